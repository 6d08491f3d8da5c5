"""Everything that a NATS user could try, generated from what anybody may, and the refusals heard."""

from collections.abc import Iterable

import nats

from infra.devstack.nats_matrix import Rights
from infra.devstack.nats_users import STREAMS, USERS, publish_subjects, subscribe_subjects
from tests.support.waiting import eventually

LAST = "nobody.may"
"""Tried last: once it is refused, every refusal before it has been heard of too."""

TENANT = "01m80k6vjkes7rsq4v8cydp54z"
OTHER_TENANT = "01m80k6vjkes7rsq4v8cydp550"

API_OF_STREAM = (
    "STREAM.CREATE", "STREAM.UPDATE", "STREAM.INFO", "STREAM.DELETE", "STREAM.PURGE",
    "STREAM.MSG.GET", "STREAM.MSG.DELETE", "STREAM.SNAPSHOT", "STREAM.RESTORE",
    "STREAM.PEER.REMOVE", "STREAM.LEADER.STEPDOWN", "CONSUMER.NAMES", "CONSUMER.LIST", "DIRECT.GET",
)  # fmt: skip
"""JetStream's API on a stream: `$JS.API.<verb>.<stream>`."""

API_OF_CONSUMER = (
    "CONSUMER.CREATE", "CONSUMER.INFO", "CONSUMER.DELETE", "CONSUMER.PAUSE", "CONSUMER.RESET",
    "CONSUMER.DURABLE.CREATE", "CONSUMER.MSG.NEXT", "CONSUMER.LEADER.STEPDOWN", "CONSUMER.UNPIN",
)  # fmt: skip
"""... on a consumer: `$JS.API.<verb>.<stream>.<consumer>`."""

API_OF_ACCOUNT = (
    "$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST", "$JS.API.STREAM.TEMPLATE.NAMES",
    "$JS.API.META.LEADER.STEPDOWN", "$JS.API.SERVER.REMOVE", "$JS.API.ACCOUNT.PURGE.RAPPORT",
)  # fmt: skip

ELSEWHERE = (
    "elsewhere", "elsewhere.deep.inside", "$SYS.REQ.SERVER.PING", "$SYS.REQ.ACCOUNT.RAPPORT.INFO",
    "$SYS.REQ.USER.INFO", "$SYS.ACCOUNT.RAPPORT.CONNECT", "$SRV.PING", "$SRV.INFO.reporting",
    "$SRV.STATS.reporting", "$KV.bucket.key", "$O.bucket.C.x", "$MQTT.msgs.x", "_INBOX.forged",
    "_R_.x", "jobs", "jobs.turn", "jobs.turn.a.b", "wake", "wake.turn.a.b", "live", "evt", "report",
    "judge", "audit.x", "ops.x",
)  # fmt: skip
"""Subjects that are near to ours, or the server's own."""


def concrete(pattern: str, tenant: str = TENANT) -> str:
    """Return one subject that a pattern covers."""
    return ".".join(
        {"*": tenant, ">": f"{tenant}.x"}.get(token, token) for token in pattern.split(".")
    )


def publishing() -> list[str]:
    """Return what is published by way of trial."""
    patterns = {one for user in USERS if not user.is_admin for one in publish_subjects(user)}
    patterns |= {one for user in USERS if not user.is_admin for one in subscribe_subjects(user)}
    tried = {concrete(one, tenant) for one in patterns for tenant in (TENANT, OTHER_TENANT)}
    for stream in (*STREAMS, "KV_other"):
        tried |= {f"$JS.API.{verb}.{stream}" for verb in API_OF_STREAM}
        tried |= {f"$JS.API.{verb}.{stream}.some" for verb in API_OF_CONSUMER}
        tried |= {f"$JS.ACK.{stream}.some.1.1.1.1.0", f"$JS.FC.{stream}.some.x"}
    tried |= {f"{user.inbox}.forged" for user in USERS}
    return sorted(tried | set(API_OF_ACCOUNT) | set(ELSEWHERE))


def subscribing() -> list[str]:
    """Return what is subscribed to by way of trial: single subjects, and everything wider."""
    tried = {*publishing(), ">", "*", "*.>", "*.*.*", "_INBOX.>", "$JS.>", "$SYS.>", "$SRV.>"}
    for user in USERS:
        if not user.is_admin:
            tried |= {*publish_subjects(user), *subscribe_subjects(user)}
    roots = {one.split(".", 1)[0] for one in tried} - {">", "*"}
    return sorted(tried | {f"{root}.>" for root in roots} | {f"{root}.*" for root in roots})


def covers(pattern: str, subject: str) -> bool:
    """Say whether everything that `subject` can be is covered; both may have wildcards."""
    ours, theirs = pattern.split("."), subject.split(".")
    for place, token in enumerate(ours):
        if token == ">":
            return len(theirs) > place
        if place >= len(theirs) or theirs[place] == ">":
            return False
        if token != "*" and token != theirs[place]:
            return False
    return len(ours) == len(theirs)


def allowed(patterns: Iterable[str], tried: Iterable[str]) -> set[str]:
    """Return what of the trials a list of patterns covers."""
    own = tuple(patterns)
    return {subject for subject in tried if any(covers(one, subject) for one in own)}


async def differences(url: str, user: str, rights: Rights) -> list[str]:
    """Try everything as one user; return each trial that went otherwise than its rights say."""
    refusals: list[str] = []

    async def on_error(error: Exception) -> None:
        refusals.append(str(error).lower())

    def refused(verb: str, tried: Iterable[str]) -> set[str]:
        return {
            one for one in tried if any(f'for {verb} to "{one}"'.lower() in r for r in refusals)
        }

    client = await nats.connect(url, inbox_prefix=f"_INBOX_{user}", error_cb=on_error)
    try:
        sent, heard = publishing(), subscribing()
        for subject in sent:
            await client.publish(subject, b"")
        for subject in heard:
            await client.subscribe(subject)
            await client.subscribe(subject, queue="group")
        await client.subscribe(LAST)
        await eventually(lambda: bool(refused("subscription", [LAST])))
        may_send = set(sent) - refused("publish", sent)
        may_hear = set(heard) - refused("subscription", heard)
    finally:
        await client.close()
    return [
        *(f"{user} publish {one}" for one in sorted(may_send ^ allowed(rights.publish, sent))),
        *(f"{user} subscribe {one}" for one in sorted(may_hear ^ allowed(rights.subscribe, heard))),
    ]
