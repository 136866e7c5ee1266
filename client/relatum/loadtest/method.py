"""The RPC under load, found by its name, and the bodies to send."""

from dataclasses import dataclass
from pathlib import Path

from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import MethodDescriptor

from relatum import channel


@dataclass(frozen=True, slots=True)
class Method:
    """An RPC: its path on the wire, and whether it takes a stream."""

    path: str
    streaming: bool
    descriptor: MethodDescriptor


def find(name: str) -> Method:
    """An RPC by "Search", "SearchService/Search" or its full path.

    Raises:
        ValueError: There is none of this name; the message lists those that are.
    """
    wanted = name.strip("/").removeprefix("relatum.v1.")
    for descriptor in channel.methods():
        service = descriptor.containing_service
        if wanted in {descriptor.name, f"{service.name}/{descriptor.name}"}:
            path = f"/{service.full_name}/{descriptor.name}"
            return Method(path, bool(descriptor.client_streaming), descriptor)
    known = ", ".join(
        f"{method.containing_service.name}/{method.name}" for method in channel.methods()
    )
    raise ValueError(f"no RPC {name!r}; there are {known}")


def bodies(method: Method, file: str | None) -> list[bytes]:
    """Serialised requests from JSON Lines of ProtoJSON, in order.

    A streaming RPC gets one message a call. Without a file, the empty request, where the RPC has no
    fields to fill.

    Raises:
        ValueError: A line is no such request, there are none, or a file is needed.
        OSError: The file cannot be read.
    """
    kind = message_factory.GetMessageClass(method.descriptor.input_type)
    if file is None:
        if method.descriptor.input_type.fields:
            raise ValueError(
                f"{method.path} needs --bodies: JSON Lines of {method.descriptor.input_type.name}"
            )
        return [b""]
    found = []
    for number, line in enumerate(Path(file).read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            found.append(json_format.Parse(line, kind()).SerializeToString())
        except json_format.ParseError as error:
            cause = " ".join(str(error).split())
            raise ValueError(f"{file}, line {number}: {cause}") from error
    if not found:
        raise ValueError(f"{file} is empty; give one request a line")
    return found
