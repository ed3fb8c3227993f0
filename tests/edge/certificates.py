"""Certificates for tests, made with `openssl`: an authority, what it signs, and what it should not."""

from dataclasses import dataclass
from pathlib import Path

from support import processes
from support.programs import demand


@dataclass(frozen=True)
class Identity:
    """A certificate and its key, as PEM files."""

    cert: Path
    key: Path


@dataclass(frozen=True)
class Certificates:
    authority: Identity
    other_authority: Identity  # trusted by nobody
    server: Identity  # localhost, 127.0.0.1, ::1
    wrong_host: Identity  # elsewhere.example
    expired: Identity  # since yesterday
    other_server: Identity  # as server, signed by other_authority
    client: Identity
    other_client: Identity  # signed by other_authority
    encrypted_key: Path  # the client's key, with a passphrase
    client_with_key: Path  # the client's certificate and key in one file


def openssl(*arguments: str | Path) -> None:
    processes.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=30)


def make(folder: Path) -> Certificates:
    demand("openssl")
    authority = _authority(folder, "authority")
    other = _authority(folder, "other-authority")
    here = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"
    client = _signed(folder, "client", authority, "extendedKeyUsage=clientAuth")
    encrypted, both = folder / "encrypted.key", folder / "client-with-key.pem"
    openssl("pkey", "-in", client.key, "-aes256", "-passout", "pass:secret", "-out", encrypted)
    both.write_bytes(client.cert.read_bytes() + client.key.read_bytes())
    return Certificates(
        authority=authority,
        other_authority=other,
        server=_signed(folder, "server", authority, here),
        wrong_host=_signed(folder, "wrong-host", authority, "subjectAltName=DNS:elsewhere.example"),
        expired=_signed(folder, "expired", authority, here, days=-1),
        other_server=_signed(folder, "other-server", other, here),
        client=client,
        other_client=_signed(folder, "other-client", other, "extendedKeyUsage=clientAuth"),
        encrypted_key=encrypted,
        client_with_key=both,
    )


def _authority(folder: Path, name: str) -> Identity:
    made = Identity(folder / f"{name}.pem", folder / f"{name}.key")
    _key(made.key)
    usage = "keyUsage=critical,keyCertSign,cRLSign"
    openssl(
        "req",
        "-x509",
        "-new",
        "-key",
        made.key,
        "-subj",
        f"/CN={name}",
        "-days",
        "30",
        "-addext",
        usage,
        "-out",
        made.cert,
    )
    return made


def _signed(folder: Path, name: str, issuer: Identity, extension: str, days: int = 30) -> Identity:
    made = Identity(folder / f"{name}.pem", folder / f"{name}.key")
    request, extensions = folder / f"{name}.csr", folder / f"{name}.ext"
    extensions.write_text(f"{extension}\nauthorityKeyIdentifier=keyid\nbasicConstraints=critical,CA:FALSE\n")
    _key(made.key)
    openssl("req", "-new", "-key", made.key, "-subj", f"/CN={name}", "-out", request)
    openssl(
        *("x509", "-req", "-in", request, "-CA", issuer.cert, "-CAkey", issuer.key, "-CAcreateserial"),
        *("-days", str(days), "-extfile", extensions, "-out", made.cert),
    )
    return made


def _key(path: Path) -> None:
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)
