"""The documentation is held against the code: what is made from it is fresh, what is written by hand is true."""

import ast
import re
import runpy
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from reconciler.cli.catalog import RegistryCatalog
from reconciler.engine.check import check
from reconciler.engine.connect import Connections
from reconciler.errors import ExitCode
from reconciler.manifest.codes import Code
from reconciler.manifest.load import load
from reconciler.manifest.secrets import Secrets
from reconciler.manifest.trust import load_trust
from reconciler.model import manifest as models
from reconciler.model.secret import SecretRef
from reconciler.providers.alarik.config import AlarikConfig, AlarikOptions
from reconciler.providers.base import Access
from reconciler.providers.bos import config as bos
from reconciler.providers.clonecloudstore.config import CloneCloudStoreConfig, CloneCloudStoreOptions
from reconciler.providers.qumulo.config import QumuloConfig, QumuloOptions, S3Credentials
from reconciler.providers.registry import Registry
from reconciler.providers.s3.config import Credentials, S3Config, S3Options
from reconciler.providers.scp import config as scp

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "reconciler"
MADE = runpy.run_path(str(ROOT / "docs" / "generate.py"))
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])
_UNWANTED = re.compile(r"/(?:work|home|opt|root)/|pypi|to-do|seamless|powerful|blazing", re.IGNORECASE)
HAND_WRITTEN = [page for page in PAGES if not page.read_text().startswith("<!-- Made from")]
REGISTRY = Registry.installed()

TYPES = ("s3", "bos", "alarik", "qumulo", "scp", "clonecloudstore")
FIELDS: dict[str, dict[str, type[BaseModel]]] = {
    "docs/manifests.md": {
        "Metadata": models.Metadata, "Provider": models.ProviderSpec, "Limits": models.Limits,
        "Replication": models.ReplicationSpec, "Location": models.Location, "Filter": models.Filter,
        "Schedule": models.Schedule, "Verify": models.VerifySpec, "Mounts": models.Mounts, "Allow": models.Allow,
        "Policy": models.PolicySpec,
        "Flow rule": models.FlowRule, "Deny": models.FlowEnds, "Guards": models.Guards,
        "Workspace": models.WorkspaceSpec, "Default": models.Default, "Accepted drift": models.AcceptedDrift,
        "Secrets": SecretRef,
    },
    "docs/providers/s3.md": {"Provider": S3Config, "Credentials": Credentials, "Options": S3Options},
    "docs/providers/bos.md": {
        "Provider": bos.BosConfig, "Credentials": bos.Credentials, "Options": bos.BosOptions,
    },
    "docs/providers/alarik.md": {"Provider": AlarikConfig, "Options": AlarikOptions},
    "docs/providers/scp.md": {"Provider": scp.ScpConfig, "Credentials": scp.Credentials, "Options": scp.ScpOptions},
    "docs/providers/clonecloudstore.md": {"Provider": CloneCloudStoreConfig, "Options": CloneCloudStoreOptions},
    "docs/providers/qumulo.md": {"Provider": QumuloConfig, "Options": QumuloOptions, "Credentials": S3Credentials},
}  # fmt: skip
"""By page and heading: the model whose fields the table below it lists."""


def sections(text: str) -> dict[str, str]:
    """Return a page's text by heading; only down to the next heading."""
    parts = re.split(r"^#{1,4} (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of each row of the tables in a text, without heads."""
    for line in text.splitlines():
        if line.startswith("|") and not re.fullmatch(r"[|\-: ]+", line):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


@cache
def codes_in_code() -> frozenset[str]:
    """Return every finding code that stands in shipped code; the provider for tests is no part of it."""
    found = {code.value for code in Code}
    for path in PACKAGE.rglob("*.py"):
        if path.is_relative_to(PACKAGE / "testing") or path.is_relative_to(PACKAGE / "emulators"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= {node.value} if MADE["CODE"].fullmatch(node.value) else set()
    return frozenset(found)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings as GitHub makes them."""
    heads = re.findall(r"^#{1,6} (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def findings_of(folder: Path) -> tuple[list[str], list[str]]:
    """Validate a folder. Returns (codes of all findings, details of the errors)."""
    workspace = load([folder], catalog=RegistryCatalog(REGISTRY))
    connections = Connections(workspace, REGISTRY, Secrets(workspace.base), Access.READ)
    checked = check(workspace, REGISTRY, connections)
    return [one.code for one in checked.findings], [f"{one.code}: {one.detail}" for one in checked.errors]


@pytest.mark.parametrize("name", ["effects.md", "findings.md", "commands.md"])
def test_generated_pages_are_fresh(name: str) -> None:
    fresh = MADE["pages"]()[name]
    assert (ROOT / "docs" / name).read_text() == fresh, "run: python docs/generate.py"


def test_every_finding_has_a_meaning() -> None:
    meanings = {row[0]: row[1 if len(row) == 2 else 2] for row in rows((ROOT / "docs/findings.md").read_text())}
    for code in sorted(codes_in_code()):
        assert len(meanings.get(code, "")) > 8, f"{code} has no meaning in docs/findings.md"


def test_a_code_belongs_to_one_owner_and_pages_name_their_own() -> None:
    codes = {group: {one.code for one in found} for group, found in MADE["meanings"]().items()}
    every = sorted(code for group in codes.values() for code in group)
    assert every == sorted(set(every)), "a code with two meanings"
    for name in TYPES:
        text = (ROOT / f"docs/providers/{name}.md").read_text()
        foreign = {code for (owner, _), group in codes.items() if owner not in (name, "engine") for code in group}
        assert not foreign & set(re.findall(r"REPL-[A-Z]\d{3}", text)), name


def test_no_page_names_what_is_not_there() -> None:
    effects = {rule.id for info in REGISTRY.infos() for rule in info.effects}
    for page in PAGES:
        text = page.read_text()
        assert set(re.findall(r"REPL-[A-Z]\d{3}", text)) <= codes_in_code(), page
        named = set(re.findall(r"\b(?:S3|RGW|BOS|ALARIK|QUMULO|SCP|CCS)(?:-[A-Z]+)+\b", text))
        assert named <= effects, f"{page}: {named - effects}"


def test_every_command_is_documented_and_no_other() -> None:
    page = (ROOT / "docs/commands.md").read_text()
    root: Any = MADE["typer"].main.get_command(MADE["build"]())
    assert set(re.findall(r"^## `repl (\S+)`$", page, flags=re.MULTILINE)) == set(root.commands)
    for name, command in root.commands.items():
        text = page.split(f"\n## `repl {name}`\n")[1].split("\n## ")[0]
        for one in command.params:
            assert all(f"`{option}`" in text for option in one.opts if option.startswith("-")), (name, one.opts)
    for place in PAGES:
        used = re.findall(r"(?:`|^ {4}|run: |^ {10})repl ([a-z]+)", place.read_text(), flags=re.MULTILINE)
        assert set(used) <= set(root.commands), (place, set(used) - set(root.commands))


def test_every_option_that_pages_name_is_there() -> None:
    known = set(re.findall(r"`(--?[a-z-]+)`", (ROOT / "docs/commands.md").read_text())) | {"--help", "--version"}
    for page in (ROOT / "README.md", *ROOT.glob("docs/[cmt]*.md"), *ROOT.glob("docs/providers/*.md")):
        named = {term for line in re.findall(r"repl [a-z]+ [^`\n]*", page.read_text())
                 for term in re.findall(r"(?<!\S)--?[a-z][a-z-]*", line)}  # fmt: skip
        assert named - {"--message"} <= known, (page, named - known)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        assert place.exists(), f"{page}: {target}"
        assert not anchor or anchor in anchors(place), f"{page}: {target}"


@pytest.mark.parametrize(
    ("page", "heading", "model"),
    [(page, heading, model) for page, of in FIELDS.items() for heading, model in of.items()],
)
def test_field_tables_are_complete(page: str, heading: str, model: type[BaseModel]) -> None:
    listed = [row for row in rows(sections((ROOT / page).read_text())[heading]) if row[0].startswith("`")]
    documented = {name: row for row in listed for name in re.findall(r"`(\w+)`", row[0])}
    fields = {field.alias or name: field for name, field in model.model_fields.items() if not field.exclude}
    own_types = set(TYPES) if model in (models.ProviderSpec, models.ReplicationSpec) else set[str]()
    keyed = {"type", "config"} if model is models.ProviderSpec else set[str]()
    assert set(documented) == (fields.keys() - keyed) | own_types
    for name, field in fields.items():
        if name in documented and name not in TYPES:
            assert (documented[name][1] == "required") == field.is_required(), f"{page}, {heading}: {name}"


def test_defaults_that_are_written_in_code_are_those_of_the_models() -> None:
    for page, of in FIELDS.items():
        text = sections((ROOT / page).read_text())
        for heading, model in of.items():
            documented = {row[0].strip("`"): row[1] for row in rows(text[heading])}
            for name, field in model.model_fields.items():
                told = documented.get(field.alias or name, "")
                if (literal := re.fullmatch(r"`([^`]+)`", told)) is not None:
                    assert shown(field.default, name) == literal[1], f"{page}, {heading}: {name}"


def shown(value: Any, name: str) -> str:
    """Write a default as a manifest would."""
    if isinstance(value, bool):
        return str(value).lower()
    if name in ("within", "plan_expiry"):
        return {900: "15m", 86_400: "1d"}[value]
    return str(value)


@pytest.mark.parametrize(
    ("page", "heading", "flavour"),
    [
        ("s3", "Every flavour", "aws"), ("s3", "Every flavour", "rgw"), ("s3", "Every flavour", "generic"),
        ("s3", "AWS and generic", "aws"), ("s3", "AWS and generic", "generic"), ("s3", "Only AWS", "aws"),
        ("s3", "Only Ceph", "rgw"), ("qumulo", "What it cannot hold", "aws"),
        ("bos", "What it cannot hold", "aws"), ("alarik", "What it cannot hold", "aws"),
        ("scp", "What it cannot hold", "aws"),
    ],
)  # fmt: skip
def test_what_a_provider_cannot_hold_is_the_finding_named(
    page: str, heading: str, flavour: str, tmp_path: Path
) -> None:
    table = sections((ROOT / f"docs/providers/{page}.md").read_text())[heading]
    claims = [(row[0].strip("`"), row[1]) for row in rows(table) if row[0].startswith("`")]
    assert claims
    for number, (snippet, code) in enumerate(claims):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "all.yaml").write_text(yaml.safe_dump_all(case(page, flavour, yaml.safe_load(snippet))))
        codes, errors = findings_of(folder)
        assert code in codes, f"{page}.md: {snippet}: {errors or codes}"


def case(page: str, flavour: str, snippet: dict[str, Any]) -> list[dict[str, Any]]:
    """Return documents of a sound replication, changed by a snippet of its spec."""
    keys = {"accessKeyId": "AKIAIOSFODNN7EXAMPLE", "secretAccessKey": {"env": "KEY"}}
    s3: dict[str, Any] = {"flavour": flavour, "credentials": keys}
    if flavour != "aws":
        s3["endpoint"] = "https://s3.storage.example"
    bucket: dict[str, Any] = {"provider": "s3-1", "bucket": "logs"}
    spec: dict[str, Any] = {"source": bucket, "destination": {"provider": "s3-2", "bucket": "logs-dr"}}
    if page == "qumulo":
        spec = {"source": {"provider": "nas", "path": "/projects"}, "destination": bucket}
    if page == "bos":
        spec = {"source": {**bucket, "provider": "bj"}, "destination": {"provider": "gz", "bucket": "logs-dr"}}
    if page == "alarik":
        spec["source"] = {**bucket, "provider": "ala"}
    if page == "scp":
        spec = {"source": {"provider": "west", "volume": "logs"}, "schedule": {"every": "5m"}}
        spec["destination"] = {"provider": "east", "volume": "logs_dr"}
    for key, value in snippet.items():
        spec[key] = {**spec[key], **value} if key in ("source", "destination") else value
    documents = [provider("s3-1", {"s3": s3}), provider("s3-2", {"s3": s3})]
    documents.append(provider("nas", {"qumulo": {"host": "nas.example", "token": {"env": "TOKEN"}}}))
    documents += [provider(region, {"bos": {"region": region, "credentials": keys}}) for region in ("bj", "gz")]
    documents.append(provider("ala", {"alarik": {"endpoint": "https://alarik.example", "credentials": keys}}))
    key = {"accessKey": "AK", "secretKey": {"env": "KEY"}}
    regions = (("west", "kr-west1"), ("east", "kr-east1"))
    documents += [
        provider(name, {"scp": {"region": region, "environment": "e", "credentials": key}})
        for name, region in (regions if page == "scp" else ())
    ]
    return [*documents, document("Replication", "case", spec)]


def provider(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return document("Provider", name, spec)


def document(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "repl/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


@pytest.mark.parametrize("page", HAND_WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_manifests_in_pages_are_sound(page: Path, tmp_path: Path) -> None:
    blocks = [
        text for text in re.findall(r"```yaml\n(.*?)```", page.read_text(), flags=re.DOTALL) if "apiVersion" in text
    ]
    for number, text in enumerate(blocks):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "all.yaml").write_text(text)
        _, errors = findings_of(folder)
        # An excerpt may name providers that another block declares; the README's example is whole.
        allowed = () if page.name == "README.md" else ("REPL-M052",)
        assert [error for error in errors if not error.startswith(allowed or "-")] == [], page


def test_workflows_are_yaml_and_the_trust_file_is_one(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/ci.md").read_text(), flags=re.DOTALL)
    jobs = [document for text in blocks if "jobs" in (document := yaml.safe_load(text))]
    assert len(jobs) == len(blocks) - 1
    runs = [
        step["run"] for workflow in jobs for job in workflow["jobs"].values() for step in job["steps"] if "run" in step
    ]
    assert not any("--allow-exec" in run for run in runs)
    reading = [run for run in runs if re.search(r"repl (plan|apply|drift|verify)", run)]
    assert reading
    assert all("--trust" in run and "--state" in run for run in reading)
    (tmp_path / "trust.yaml").write_text(next(text for text in blocks if text.startswith("trust:")))
    trust = load_trust(tmp_path / "trust.yaml")
    assert trust.allows(SecretRef(env="NAS_1_TOKEN"), "nas-1.storage.example")
    assert not trust.allows(SecretRef(env="NAS_1_TOKEN"), "elsewhere.example")


def test_the_readme_has_a_whole_example_and_stays_short() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) < 220
    assert "kind: Replication" in text
    screen = re.findall(r"```text\n(.*?)```", text, flags=re.DOTALL)
    assert len(screen) == 1
    assert max(map(len, screen[0].splitlines())) <= 100


def test_exit_codes_are_all_explained() -> None:
    text = (ROOT / "docs/troubleshooting.md").read_text()
    table = {int(found[1]) for row in rows(sections(text)["Exit codes"]) if (found := re.match(r"\[(\d+)\]", row[0]))}
    headed = {int(number) for number in re.findall(r"^### (\d+): ", text, flags=re.MULTILINE)}
    assert table == headed == {int(code) for code in ExitCode}


def test_each_provider_page_names_the_effects_of_its_provider() -> None:
    for info in REGISTRY.infos():
        text = sections((ROOT / info.docs).read_text())["Effects"]
        assert set(re.findall(r"\b[A-Z][A-Z0-9]*(?:-[A-Z]+)+\b", text)) - {"REPL-G003"} == {
            rule.id for rule in info.effects
        }


@pytest.mark.parametrize("name", TYPES)
def test_vendor_words_of_a_page_are_those_of_the_code(name: str) -> None:
    text = (ROOT / f"docs/providers/{name}.md").read_text()
    code = "\n".join(path.read_text() for path in (PACKAGE / "providers" / name).glob("*.py"))
    words = {
        *re.findall(r"PRIVILEGE_\w+", text),
        *re.findall(r"`((?:Get|Put|Delete)BucketReplication)`", text),
        *re.findall(r"`((?:Create|Set|Delete)VolumeReplication)`", text),
        *re.findall(r"\b\d+\.\d+\.\d+\b", text),
        *re.findall(r"`(?:GET|POST|DELETE) (/v3/[a-z-]+/[a-z-]+/)", text),
        *re.findall(r"`[A-Z]+ /v3/\S+?/(abort-replication|replicate|status/)`", text),
    }
    assert words
    assert [word for word in sorted(words) if word not in code] == []


def test_permissions_for_s3_are_those_of_the_calls_in_use() -> None:
    text = (ROOT / "docs/providers/s3.md").read_text()
    files = [*(PACKAGE / "providers" / "s3").glob("*.py"), PACKAGE / "providers" / "s3_objects.py"]
    code = "\n".join(path.read_text() for path in files)
    calls = {
        "s3:GetReplicationConfiguration": "get_bucket_replication", "s3:ListBucket": "head_bucket",
        "s3:GetBucketVersioning": "get_bucket_versioning", "s3:GetBucketLocation": "get_bucket_location",
        "s3:GetBucketObjectLockConfiguration": "get_object_lock_configuration",
        "s3:PutReplicationConfiguration": "put_bucket_replication", "s3:PutObject": "put_object",
        "s3:PutObjectTagging": "Tagging", "s3:ListBucketVersions": "list_object_versions",
        "s3:GetObject": "get_object", "s3:DeleteObject": "delete_object", "s3:DeleteObjectVersion": "VersionId",
        "s3:ListAllMyBuckets": "list_buckets",
    }  # fmt: skip
    assert set(re.findall(r"`(s3:\w+)`", text)) == set(calls)
    assert [action for action, call in calls.items() if call not in code] == []


def test_capability_claims_are_those_of_the_registry() -> None:
    held = {info.type: {one.value for one in info.capabilities} for info in REGISTRY.infos()}
    s3, bos, alarik, qumulo, scp, ccs = ((ROOT / f"docs/providers/{name}.md").read_text() for name in TYPES)
    assert ("pause" in held["qumulo"]) != ("`state: paused` | REPL-C201" in qumulo)
    assert ("update" in held["qumulo"]) != ("It cannot be changed" in qumulo)
    assert ("continuous" in held["qumulo"]) != ("no other job starts by itself" in qumulo)
    assert ("schedule" in held["s3"]) != ("REPL-C105" in s3)
    assert ("exclude_filter" in held["s3"]) != ("REPL-C104" in s3)
    assert ("resync" in held["s3"]) != ("S3 Batch Replication" in s3)
    for name, page in (("bos", bos), ("alarik", alarik), ("clonecloudstore", ccs)):
        assert ("resync" in held[name]) == ("`repl resync NAME`" in page)
    assert ("resync" in held["scp"]) != ("`repl resync` has nothing to start" in scp)
    assert ("store" in held["scp"]) != ("needs both volumes mounted" in scp)
    assert ("storage_class" in held["scp"]) != ("REPL-C502" in scp)
    assert ("schedule" in held["scp"]) == ("`5m`, `1h`, `1d`, `7d` or `30d`" in scp)
    assert ("schedule" in held["clonecloudstore"]) != ("REPL-C603" in ccs)
    assert ("exclude_filter" in held["clonecloudstore"]) != ("REPL-C602" in ccs)
    assert ("schedule" in held["bos"]) != ("REPL-C301" in bos)
    assert ("tag_filter" in held["bos"]) != ("REPL-C302" in bos)
    assert ("exclude_filter" in held["bos"]) == ("REPL-C303" in bos)
    assert ("storage_class" in held["alarik"]) != ("REPL-C401" in alarik)
    assert ("schedule" in held["alarik"]) != ("REPL-C404" in alarik)
    assert ("loop_guard" in held["alarik"]) != ("nothing in Alarik stops what has come round" in alarik)


def test_pages_are_plain() -> None:
    for page in HAND_WRITTEN:
        text = page.read_text()
        assert "\N{EM DASH}" not in text, page
        assert not _UNWANTED.search(text), page
