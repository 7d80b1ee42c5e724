"""A certificate authority for one lab, and one server certificate from it."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# Valid since yesterday, for ten years: a jump of the emulated clock, or a client's, does no harm.
_BACKDATED = timedelta(days=1)
_VALID = timedelta(days=3650)

LOOPBACK_NAMES = ("localhost", "*.localhost")
LOOPBACK_ADDRESSES = ("127.0.0.1", "::1")

FILES = ("ca.pem", "server.pem", "server.key")


@dataclass(frozen=True, slots=True)
class Certificate:
    """Where the files are: ``ca`` for clients, ``chain`` and ``key`` for the server.

    The authority's own key is not kept.
    """

    ca: Path
    chain: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.chain, self.key)
        return context


def issue(directory: Path, names: Iterable[str] = ()) -> Certificate:
    """Make an authority and a certificate for loopback and ``names``, written below ``directory``.

    The server's key is readable by its owner alone.
    """
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _sign(
        subject="repl emulator authority",
        key=authority_key,
        issuer="repl emulator authority",
        issuer_key=authority_key,
        extensions=[
            (x509.BasicConstraints(ca=True, path_length=0), True),
            (_key_usage(authority=True), True),
        ],
    )
    key = ec.generate_private_key(ec.SECP256R1())
    alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in dict.fromkeys((*LOOPBACK_NAMES, *names))]
    alternatives += [x509.IPAddress(ipaddress.ip_address(address)) for address in LOOPBACK_ADDRESSES]
    server = _sign(
        subject="localhost",
        key=key,
        issuer="repl emulator authority",
        issuer_key=authority_key,
        extensions=[
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_key_usage(authority=False), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
            (x509.SubjectAlternativeName(alternatives), False),
        ],
    )
    certificate = Certificate(*(directory / name for name in FILES))
    certificate.ca.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    certificate.chain.write_bytes(server.public_bytes(serialization.Encoding.PEM))
    certificate.key.touch(mode=0o600)
    certificate.key.chmod(0o600)
    certificate.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate


def _sign(
    *,
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    extensions: list[tuple[x509.ExtensionType, bool]],
) -> x509.Certificate:
    start = datetime.now(UTC) - _BACKDATED
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + _VALID)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(issuer_key, hashes.SHA256())


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
