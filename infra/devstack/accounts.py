"""Which account PostgreSQL runs under: it refuses to be root, and its user must have a name."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from infra.devstack.errors import DevstackError

PRIVATE_HOME: Final = Path("/var/tmp")  # noqa: S108 - only mkdtemp writes here; survives a reboot
"""Where the data of an account without access to the checkout lives; every user may enter it."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """How to start PostgreSQL's programs."""

    prefix: tuple[str, ...] = ()
    """Put before the command; it must replace itself by the command, so that the pid stays."""
    ids: tuple[int, int] | None = None
    """User and group id to change to; None = stay who we are."""


def choose_account(*, allow_namespace: bool = True) -> Account:
    """Return how PostgreSQL can run for this user.

    As root it runs in a user namespace, where root's files belong to an ordinary user. Where the
    kernel or the container refuses that, it runs as another account, which needs its own directory.

    Raises:
        DevstackError: this machine offers neither.
    """
    if os.geteuid() and _has_name(os.geteuid()):
        return Account()
    other = _ordinary_entry()
    namespace = (
        "unshare", "--user", f"--map-user={other.pw_uid}", f"--map-group={other.pw_gid}",
    )  # fmt: skip
    if allow_namespace and _works(namespace):
        return Account(prefix=namespace)
    if os.geteuid():
        raise DevstackError(f"user id {os.geteuid()} has no name here, and PostgreSQL needs one")
    return Account(ids=(other.pw_uid, other.pw_gid))


def move_to_account(link: Path, ids: tuple[int, int]) -> Path:
    """Return a directory that the account owns; `link` is made to point at the data inside it.

    The account cannot enter a private checkout, whose permissions are not ours to change.
    """
    if link.is_symlink() and link.resolve().parent.is_dir():
        return link.resolve().parent
    if link.exists():
        raise DevstackError(
            f"{link} was made where user namespaces were allowed; here they are not: move it away"
        )
    link.unlink(missing_ok=True)
    home = Path(tempfile.mkdtemp(prefix="rapport-postgres-", dir=PRIVATE_HOME))
    os.chown(home, *ids)
    link.symlink_to(home / "data")
    return home


def usable_copy(install: Path, home: Path, ids: tuple[int, int]) -> Path:
    """Return an installation that the account can run: in place if it can enter it, else a copy."""
    if _works((str(install / "bin" / "postgres"), "--version"), ids):
        return install
    package = install.parent
    copy = home / "wheel" / package.name / install.name
    if not copy.exists():
        libraries = f"{package.name}.libs"
        if (package.parent / libraries).is_dir():
            target = home / "wheel" / libraries
            shutil.copytree(package.parent / libraries, target, dirs_exist_ok=True)
        draft = copy.with_name(f"{copy.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(install, draft, symlinks=True)
        draft.rename(copy)
    return copy


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _ordinary_entry() -> pwd.struct_passwd:
    entries = [entry for entry in pwd.getpwall() if entry.pw_uid]
    if not entries:
        raise DevstackError("PostgreSQL refuses to run as root, and no other account exists")
    return next((entry for entry in entries if entry.pw_name == "nobody"), entries[0])


def _works(command: tuple[str, ...], ids: tuple[int, int] | None = None) -> bool:
    user, group = ids or (None, None)
    probe = (*command, "true") if command[0] == "unshare" else command
    try:
        result = subprocess.run(
            probe,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=user,
            group=group,
            extra_groups=() if ids else None,
            cwd="/",
            check=False,
        )
    except OSError:
        return False
    return result.returncode == 0
