"""A place where files are left and fetched: a folder, or the same over SFTP. Whoever reads never sees half a file.

in/       what the supplier leaves: 855, 856 and 846
out/      what we leave: 850; the supplier takes them away
sent/     what we have left, ours to look up: an order is never left twice
refused/  files that could not be read, each with its reason beside it
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final, Protocol, TypeVar, cast
from urllib.parse import unquote, urlsplit

import asyncssh

from connectors.base import Instance
from connectors.errors import BadPayload, Unauthorized, Unreachable
from connectors.http import Http, Open

LARGEST: Final = 16 * 1024 * 1024
SECONDS: Final = 30.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True, order=True)
class File:
    """`changed` in seconds since 1970."""

    changed: float
    name: str
    size: int


class Drop(Protocol):
    """All names are of one of the four folders and a file in it."""

    async def files(self, folder: str) -> Sequence[File]: ...

    async def read(self, folder: str, name: str) -> bytes | None:
        """None: it is not there."""
        ...

    async def write(self, folder: str, name: str, body: bytes) -> None: ...

    async def refuse(self, name: str, reason: str) -> None:
        """Takes a file out of `in` into `refused`."""
        ...


def opened(instance: Instance, http: Open) -> Drop:
    """The drop of `url`; raises BadPayload for an address that is none. `http` says where an SFTP server is."""
    parts = urlsplit(instance.option("url"))
    if parts.scheme == "file" and parts.path:
        return Folder(Path(unquote(parts.path)))
    if parts.scheme == "sftp" and parts.hostname and parts.username:
        server = http(f"sftp://{parts.hostname}")
        return Sftp(instance, server, parts.port or 22, parts.username, PurePosixPath(unquote(parts.path)))
    raise BadPayload(f"{instance.name} needs a url such as file:///srv/edi/acme or sftp://user@host/drop.", "url")


@dataclass(frozen=True, slots=True)
class Folder:
    """On a disk of ours, perhaps one that somebody else's program fills."""

    root: Path

    async def files(self, folder: str) -> Sequence[File]:
        return await self._run(self._files, folder)

    def _files(self, folder: str) -> Sequence[File]:
        found = []
        with contextlib.suppress(FileNotFoundError), os.scandir(self.root / folder) as entries:
            for entry in entries:
                if entry.is_file() and not entry.name.startswith("."):
                    told = entry.stat()
                    found.append(File(told.st_mtime, entry.name, told.st_size))
        return sorted(found)

    async def read(self, folder: str, name: str) -> bytes | None:
        return await self._run(self._read, folder, name)

    def _read(self, folder: str, name: str) -> bytes | None:
        try:
            with (self.root / folder / name).open("rb") as file:
                return file.read(LARGEST + 1)
        except FileNotFoundError:
            return None

    async def write(self, folder: str, name: str, body: bytes) -> None:
        await self._run(self._write, folder, name, body)

    def _write(self, folder: str, name: str, body: bytes) -> None:
        """Under another name first: who looks for files sees it whole or not at all."""
        place = self.root / folder
        place.mkdir(parents=True, exist_ok=True)
        half = place / f".{name}.part"
        with half.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        half.replace(place / name)

    async def refuse(self, name: str, reason: str) -> None:
        await self.write("refused", f"{name}.reason.txt", f"{reason}\n".encode())
        await self._run(lambda: (self.root / "in" / name).replace(self.root / "refused" / name))

    async def _run(self, call: Callable[..., T], *arguments: object) -> T:
        try:
            return await asyncio.to_thread(call, *arguments)
        except PermissionError:
            raise Unauthorized(f"We may not use a folder below {self.root.name}. Correct its permissions.") from None
        except OSError as error:
            raise Unreachable(f"The folder {self.root.name} cannot be used ({type(error).__name__}).") from error


@dataclass(frozen=True, slots=True)
class Sftp:
    """On a server of the supplier's or ours. Its key must be known: a stranger could read our customers' addresses."""

    instance: Instance = field(repr=False)
    server: Http = field(repr=False)
    port: int
    user: str
    root: PurePosixPath

    async def files(self, folder: str) -> Sequence[File]:
        async with self._connected() as sftp:
            if not await sftp.isdir(str(self.root / folder)):
                return []
            found = await sftp.readdir(str(self.root / folder))
            return sorted(
                File(float(one.attrs.mtime or 0), str(one.filename), one.attrs.size or 0)
                for one in found
                if one.attrs.type == asyncssh.FILEXFER_TYPE_REGULAR and not str(one.filename).startswith(".")
            )

    async def read(self, folder: str, name: str) -> bytes | None:
        async with self._connected() as sftp:
            try:
                async with sftp.open(str(self.root / folder / name), "rb") as file:
                    return cast(bytes, await file.read(LARGEST + 1))
            except asyncssh.SFTPNoSuchFile:
                return None

    async def write(self, folder: str, name: str, body: bytes) -> None:
        async with self._connected() as sftp:
            await self._write(sftp, folder, name, body)

    async def _write(self, sftp: asyncssh.SFTPClient, folder: str, name: str, body: bytes) -> None:
        place = self.root / folder
        await sftp.makedirs(str(place), exist_ok=True)
        half = str(place / f".{name}.part")
        async with sftp.open(half, "wb") as file:
            await file.write(body)
        await sftp.posix_rename(half, str(place / name))

    async def refuse(self, name: str, reason: str) -> None:
        async with self._connected() as sftp:
            await self._write(sftp, "refused", f"{name}.reason.txt", f"{reason}\n".encode())
            await sftp.posix_rename(str(self.root / "in" / name), str(self.root / "refused" / name))

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[asyncssh.SFTPClient]:
        """A connection of its own for each use: suppliers' servers end idle ones."""
        name = self.instance.name
        address = await self.server.address(self.port)
        try:
            async with (
                asyncio.timeout(SECONDS),
                asyncssh.connect(address, self.port, **self._options()) as connection,
                connection.start_sftp_client() as sftp,
            ):
                yield sftp
        except (asyncssh.PermissionDenied, asyncssh.HostKeyNotVerifiable, asyncssh.SFTPPermissionDenied) as error:
            raise Unauthorized(f"{name} and we do not trust each other ({type(error).__name__}).") from None
        except (TimeoutError, OSError, asyncssh.Error) as error:
            raise Unreachable(f"The SFTP server of {name} cannot be used ({type(error).__name__}).") from None

    def _options(self) -> dict[str, Any]:
        known = self.instance.option("host_key", "")
        if not known:
            raise BadPayload(f"{self.instance.name} needs the option host_key, the server's public key.", "host_key")
        secrets = self.instance.secrets
        key = secrets.get("key", ())
        return {
            "username": self.user,
            "password": secrets["password"][0].reveal() if secrets.get("password") else None,
            "client_keys": [asyncssh.import_private_key(key[0].reveal())] if key else [],
            "known_hosts": ([asyncssh.import_public_key(known)], [], []),
            "config": [],
            "agent_path": None,
        }
