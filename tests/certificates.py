"""Certificates of a CA made for one test run, by openssl."""

from dataclasses import dataclass
from pathlib import Path

from support import processes
from support.programs import demand


@dataclass(frozen=True)
class Certificates:
    """PEM files. `server` and `client` are signed by `ca` and hold for localhost and 127.0.0.1; nobody trusts `stranger`."""

    ca: Path
    stranger: Path
    server: Path
    server_key: Path
    server_chain: Path  # key, certificate and CA in one file
    client: Path
    client_key: Path


def make_certificates(folder: Path) -> Certificates:
    """Write them into `folder`, valid for two days."""
    demand("openssl")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("ca", "stranger"):
        _openssl(folder, "req -x509 -days 2 -nodes", f"-subj /CN={name} -keyout {name}.key -out {name}.pem")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for name in ("server", "client"):
        _openssl(folder, "req -nodes", f"-subj /CN={name} -keyout {name}.key -out {name}.csr")
        _sign(folder, name)
    chain = folder / "server-chain.pem"
    chain.write_text("".join((folder / part).read_text() for part in ("server.key", "server.pem", "ca.pem")))
    return Certificates(
        ca=folder / "ca.pem",
        stranger=folder / "stranger.pem",
        server=folder / "server.pem",
        server_key=folder / "server.key",
        server_chain=chain,
        client=folder / "client.pem",
        client_key=folder / "client.key",
    )


def _openssl(folder: Path, command: str, files: str) -> None:
    words = ["openssl", *command.split(), "-newkey", "rsa:2048", *files.split()]
    processes.run(words, cwd=folder, check=True, capture_output=True, timeout=60)


def _sign(folder: Path, name: str) -> None:
    words = f"openssl x509 -req -days 2 -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -out {name}.pem"
    processes.run(words.split(), cwd=folder, check=True, capture_output=True, timeout=60)
