"""The file system over REST: attributes, paths, directories, content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from reconciler.emulators.message import JsonValue, Reply
from reconciler.emulators.qumulo import moment
from reconciler.emulators.qumulo.call import Call, Route, done, found
from reconciler.emulators.qumulo.identity import FILES_READ, FILES_WRITE
from reconciler.emulators.qumulo.refusal import Refusal
from reconciler.emulators.qumulo.relationship import etag
from reconciler.emulators.qumulo.tree import Kind, Node, Tree

_FILE: Final = "/v1/files/{ref}"
_BLOCK: Final = 4096
_BINARY: Final = "application/octet-stream"
_FLAGS: Final = (
    "read_only",
    "hidden",
    "system",
    "archive",
    "temporary",
    "compressed",
    "not_content_indexed",
    "sparse_file",
    "offline",
)
_CREATED: Final[Mapping[str, Kind]] = {
    "CREATE_FILE": Kind.FILE,
    "CREATE_DIRECTORY": Kind.DIRECTORY,
    "CREATE_SYMLINK": Kind.SYMLINK,
}


def attributes(tree: Tree, node: Node) -> dict[str, JsonValue]:
    """A node as the API shows it. Source: Qumulo REST API guide, files info attributes; qq CLI guide, fs_read_dir."""
    directory = node.kind is Kind.DIRECTORY
    size = 512 * len(node.children) if directory else len(node.data)
    blocks = str(-(-len(node.data) // _BLOCK))
    return {
        "path": tree.path(node),
        "name": node.name,
        "num_links": 2 if directory else 1,
        "type": node.kind.value,
        "major_minor_numbers": None,
        "symlink_target_type": "FS_FILE_TYPE_UNKNOWN" if node.kind is Kind.SYMLINK else None,
        "file_number": str(node.id),
        "id": str(node.id),
        "mode": "0777" if directory else "0644",
        "owner": node.owner,
        "owner_details": {"id_type": "LOCAL_USER", "id_value": node.owner},
        "group": "513",
        "group_details": {"id_type": "LOCAL_GROUP", "id_value": "513"},
        "blocks": blocks,
        "datablocks": blocks,
        "metablocks": "1",
        "size": str(size),
        "access_time": moment.text(node.modified),
        "modification_time": moment.text(node.modified),
        "change_time": moment.text(node.changed),
        "creation_time": moment.text(node.created),
        "child_count": len(node.children),
        "extended_attributes": dict.fromkeys(_FLAGS, False),
        "directory_entry_hash_policy": "FS_DIRECTORY_HASH_VERSION_LOWER" if directory else None,
        "data_revision": str(node.revision),
        "user_metadata_revision": "0",
    }


def _version(node: Node) -> JsonValue:
    return [node.id, node.revision]


def _shown(tree: Tree, node: Node) -> Reply:
    return found(attributes(tree, node), _version(node))


def get_attributes(call: Call) -> Reply:
    call.check_parameters()
    with call.cluster.lock:
        return _shown(call.cluster.tree, call.cluster.tree.find(call.parts["ref"]))


def _ids(value: JsonValue) -> list[int]:
    texts = value if isinstance(value, list) else [None]
    if not all(isinstance(text, str) and text.isascii() and text.isdecimal() for text in texts):
        raise Refusal(400, "Not a list of file ids.", "decode_error")
    return [int(str(text)) for text in texts]


def resolve(call: Call) -> Reply:
    call.check_parameters()
    tree = call.cluster.tree
    with call.cluster.lock:
        nodes = [tree.find(str(number)) for number in _ids(call.json())]
        return Reply.of_json(200, [{"id": str(node.id), "path": tree.path(node)} for node in nodes])


def try_resolve(call: Call) -> Reply:
    tree = call.cluster.tree
    ids = _ids(call.members(ids=list).get("ids"))
    with call.cluster.lock:
        nodes = {number: tree.get(number) for number in ids}
        available = [{"id": str(node.id), "path": tree.path(node)} for node in nodes.values() if node is not None]
    deleted = [str(number) for number, node in nodes.items() if node is None]
    return Reply.of_json(200, {"available": available, "unavailable": [], "deleted": deleted})


def read_directory(call: Call) -> Reply:
    call.check_parameters("limit", "after", "skip-atime-update")
    highest = call.cluster.switches.whole("page_limit")
    limit = min(call.number("limit") or highest, highest, call.request.page_size or highest)
    after = call.request.params.get("after", "")
    tree = call.cluster.tree
    with call.cluster.lock:
        directory = tree.directory(call.parts["ref"])
        keyed = sorted((_entry_key(call, name), number) for name, number in directory.children.items())
        rest = [(key, number) for key, number in keyed if key > after]
        nodes = [tree.get(number) for _, number in rest[:limit]]
        following = ""
        if len(rest) > limit:
            query = urlencode({"after": rest[limit - 1][0], "limit": limit})
            following = f"/v1/files/{directory.id}/entries/?{query}"
        page: dict[str, JsonValue] = {
            "path": tree.path(directory),
            "id": str(directory.id),
            "child_count": len(directory.children),
            "files": [attributes(tree, node) for node in nodes if node is not None],
            "paging": {"next": following, "prev": ""},
        }
        return found(page, _version(directory))


def _entry_key(call: Call, name: str) -> str:
    if call.cluster.switches["entries_order"] == "name":
        return name
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def create_entry(call: Call) -> Reply:
    body = call.members(
        name=str,
        action=str,
        old_path=str,
        clobber=bool,
        symlink_target_type=str,
        unix_file_type=str,
        major_minor_numbers=dict,
    )
    if "name" not in body or "action" not in body:
        raise Refusal(400, "Give name and action.", "decode_error")
    name, action = str(body["name"]), str(body["action"])
    tree = call.cluster.tree
    with call.cluster.lock:
        directory = tree.directory(call.parts["ref"])
        _check_writable(call, directory)
        if action in _CREATED:
            target = str(body.get("old_path", "")).encode("utf-8", "surrogatepass")
            data = target if action == "CREATE_SYMLINK" else b""
            return _shown(tree, tree.create(directory, name, _CREATED[action], data, call.user.user.auth_id))
        if action == "RENAME" and "old_path" in body:
            node = tree.find(str(body["old_path"]))
            _check_writable(call, node)
            tree.rename(node, directory, name, clobber=body.get("clobber") is True)
            return _shown(tree, node)
    raise Refusal(400, f"Not possible here: {action}")


def delete(call: Call) -> Reply:
    with call.cluster.lock:
        node = call.cluster.tree.find(call.parts["ref"])
        _check_writable(call, node)
        call.cluster.tree.delete(node)
    return done()


def delete_entry(call: Call) -> Reply:
    tree = call.cluster.tree
    with call.cluster.lock:
        node = tree.child(tree.directory(call.parts["ref"]), call.parts["name"])
        if node is None:
            raise Refusal(404, "No such entry.", "fs_no_such_entry_error")
        _check_writable(call, node)
        tree.delete(node)
    return done()


def read_file(call: Call) -> Reply:
    call.check_parameters("offset", "length", "skip-atime-update")
    offset, length = call.number("offset") or 0, call.number("length")
    with call.cluster.lock:
        node = call.cluster.tree.find(call.parts["ref"])
        if node.kind is Kind.DIRECTORY:
            raise Refusal(400, "Not a regular file.", "fs_not_a_file_error")
        data, version = node.data, etag(_version(node))
    end = None if length is None else offset + length
    return Reply(200, (("Content-Type", _BINARY), ("ETag", version)), data[offset:end])


def write_file(call: Call) -> Reply:
    call.check_parameters("offset")
    offset = call.number("offset") or 0
    if (call.request.header("Content-Type") or "").partition(";")[0].strip().lower() != _BINARY:
        raise Refusal(400, f"The content type must be {_BINARY}.")
    tree = call.cluster.tree
    with call.cluster.lock:
        node = tree.find(call.parts["ref"])
        _check_writable(call, node)
        if not call.matches(_version(node)):
            raise Refusal(412, "The file is of another version.")
        if call.request.method == "PUT":
            tree.write(node, call.request.body)
        else:
            tree.write_at(node, offset, call.request.body)
        return _shown(tree, node)


def _check_writable(call: Call, node: Node) -> None:
    if FILES_WRITE not in call.user.user.privileges:
        raise Refusal(403, "Access denied.", "fs_access_denied_error")
    if call.cluster.replication.read_only(node):
        status = call.cluster.switches.whole("read_only_status")
        raise Refusal(status, "A replication job keeps this directory read-only.", "fs_read_only_error")


ROUTES: Final = (
    Route("POST", "/v1/files/resolve", "resolvePaths", resolve, privilege=FILES_READ),
    Route("POST", "/v1/files/try-resolve", "tryResolvePaths", try_resolve, privilege=FILES_READ),
    Route("DELETE", _FILE, "deleteFile", delete, write=True, privilege=FILES_READ),
    Route("GET", f"{_FILE}/info/attributes", "getFileAttributes", get_attributes, privilege=FILES_READ),
    Route("GET", f"{_FILE}/entries/", "readDirectory", read_directory, privilege=FILES_READ),
    Route("POST", f"{_FILE}/entries/", "createEntry", create_entry, write=True, privilege=FILES_READ),
    Route("DELETE", f"{_FILE}/entries/{{name}}", "deleteEntry", delete_entry, write=True, privilege=FILES_READ),
    Route("GET", f"{_FILE}/data", "readFile", read_file, privilege=FILES_READ),
    Route("PUT", f"{_FILE}/data", "writeFile", write_file, write=True, privilege=FILES_READ),
    Route("PATCH", f"{_FILE}/data", "writeFileAt", write_file, write=True, privilege=FILES_READ),
)
