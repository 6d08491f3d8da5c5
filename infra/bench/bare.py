"""`python -m infra.bench.bare PORT BODY`: what the framework costs when it does nothing for us."""

import gc
import sys
from typing import Any

import msgspec
import uvicorn
import uvloop
from litestar import Litestar, get
from litestar.handlers import HTTPRouteHandler

from shared.process import GC_THRESHOLD

PATH = "/v1/things/{thing_id:str}"


def handler(body: Any) -> HTTPRouteHandler:
    """Return an endpoint that answers the same body every time, encoded each time."""

    @get(PATH)
    async def get_thing(thing_id: str) -> Any:  # noqa: ARG001 - ours reads its path as well
        return body

    return get_thing


def main() -> None:
    """Serve until the process is ended, with the settings of the product's own server."""
    port, body = int(sys.argv[1]), msgspec.json.decode(sys.argv[2])
    app = Litestar([handler(body)], openapi_config=None, logging_config=None)
    config = uvicorn.Config(
        app,
        port=port,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    uvloop.run(uvicorn.Server(config).serve())


if __name__ == "__main__":
    main()
