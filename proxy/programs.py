"""Running the system's network programs (``nft``, ``ip``, ``iptables``, ``conntrack``)."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

TIMEOUT_SECONDS = 30.0


class ProgramError(Exception):
    """A program failed, took too long, or is not installed; the text says which, and what it said."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A program's exit code and what it wrote."""

    code: int
    output: str
    error: str


async def attempt(*command: str, text: str = "", timeout: float = TIMEOUT_SECONDS) -> Outcome:
    """Runs the command with ``text`` as its standard input, whatever its exit code.

    Raises ProgramError where it can't be started or does not end within ``timeout`` seconds; it is killed then.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE if text else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise ProgramError(f"{command[0]}: {error.strerror}") from error
    try:
        async with asyncio.timeout(timeout):
            output, complaint = await process.communicate(text.encode() if text else None)
    except TimeoutError:
        raise ProgramError(f"{' '.join(command)}: no end within {timeout:g} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return Outcome(process.returncode or 0, output.decode(), complaint.decode().strip())


async def run(*command: str, text: str = "", timeout: float = TIMEOUT_SECONDS) -> str:
    """As :func:`attempt`, and raises ProgramError where the exit code is not 0; returns what the command wrote."""
    outcome = await attempt(*command, text=text, timeout=timeout)
    if outcome.code != 0:
        raise ProgramError(f"{' '.join(command)}: exit code {outcome.code}: {outcome.error}")
    return outcome.output
