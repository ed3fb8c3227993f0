"""A real one-node Apache Kafka for tests, run from Maven's jars by a child process."""

import contextlib
import hashlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from certificates import Certificates, make_certificates
from loopback import free_port, wait_until
from support.processes import Process, run, start

FILES = Path(__file__).parent / "broker" / "server"
CACHE = Path(__file__).parent.parent / ".cache" / "kafka"
SECURITY_PROTOCOLS = ("PLAINTEXT", "SASL_PLAINTEXT", "SSL", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")

CLUSTER_ID = "b2NzLWJyaWRnZS10ZXN0cw"  # 16 bytes in URL-safe base64
USER, PASSWORD = "bridge", "bridge-secret"

#: 384 MB hold the largest test; the rest starts faster, at the cost of speed nobody needs here.
JVM = ("-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def class_path() -> str:
    """The broker's jars in Maven's repository, asked for once per content of the pom."""
    pom = FILES / "pom.xml"
    cached = CACHE / f"class-path-{hashlib.sha256(pom.read_bytes()).hexdigest()[:16]}.txt"
    if not (cached.exists() and all(Path(jar).exists() for jar in cached.read_text().split(":"))):
        CACHE.mkdir(parents=True, exist_ok=True)
        command = ["mvn", "-B", "-q", "-f", str(pom), "dependency:build-classpath", f"-Dmdep.outputFile={cached}"]
        done = run(command, capture_output=True, text=True, timeout=600)
        if done.returncode:
            raise RuntimeError(f"Maven could not resolve the broker's jars:\n{done.stdout}{done.stderr}")
    return cached.read_text()


def _java(main: str, *arguments: object) -> list[str]:
    log4j = f"-Dlog4j2.configurationFile={FILES / 'log4j2.properties'}"
    return ["java", *JVM, log4j, "-cp", class_path(), main, *map(str, arguments)]


def _secure_properties(certificates: Certificates) -> dict[str, str]:
    """What the SASL and TLS listeners need. Kafka takes PEM as it is: one file with key, certificate and CA."""
    module = "org.apache.kafka.common.security"
    jaas = {"SCRAM-SHA-256": f"{module}.scram.ScramLoginModule required;"}
    jaas["SCRAM-SHA-512"] = jaas["SCRAM-SHA-256"]
    jaas["PLAIN"] = f'{module}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
    return {
        "sasl.enabled.mechanisms": ",".join(MECHANISMS),
        **{
            f"listener.name.{listener}.{mechanism.lower()}.sasl.jaas.config": jaas[mechanism]
            for listener in ("sasl_plaintext", "sasl_ssl")
            for mechanism in MECHANISMS
        },
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(certificates.server_chain),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(certificates.ca),
        "listener.name.ssl.ssl.client.auth": "requested",
    }


def _stopped(pid: int) -> bool:
    """Whether each of its threads has come to the stop that SIGSTOP asked for: under load one goes on for a while."""
    states = [file.read_text().rpartition(")")[2].split()[0] for file in Path(f"/proc/{pid}/task").glob("*/stat")]
    return set(states) <= {"T"}


class KafkaBroker:
    """A broker with its data in `folder`; `stop`, `kill` and `start` again keep the data and the ports.

    With `secure`, there are four listeners: PLAINTEXT, SASL_PLAINTEXT, SSL (asks for a client certificate, does not
    insist) and SASL_SSL, with PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 for USER and PASSWORD.
    """

    def __init__(self, folder: Path, *, secure: bool = False, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.log = folder / "broker.log"
        self.certificates = make_certificates(folder / "tls") if secure else None
        self._secure = secure
        self._ports = {protocol: free_port() for protocol in SECURITY_PROTOCOLS[: 4 if secure else 1]}
        self._process: Process[bytes] | None = None
        self._config = folder / "server.properties"
        folder.mkdir(parents=True, exist_ok=True)
        self._config.write_text(self._properties(settings or {}))
        self._format()

    @property
    def bootstrap(self) -> str:
        """host:port of the PLAINTEXT listener."""
        return self.address("PLAINTEXT")

    def address(self, protocol: str) -> str:
        """host:port of a listener by its security protocol."""
        return f"127.0.0.1:{self._ports[protocol]}"

    @property
    def pids(self) -> list[int]:
        """Of its process, while it runs."""
        return [self._process.pid] if self._process is not None else []

    def start(self) -> None:
        """Start and wait until it answers (3 s)."""
        with self.log.open("ab") as log:
            self._process = start(
                _java("kafka.Kafka", self._config),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the terminal is for the tests, which then stop it in order
            )
        try:
            wait_until(self._answers, timeout=60, what=f"broker on {self.bootstrap} answers")
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """SIGTERM: members are told, the log is closed."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: as when the machine is gone."""
        self._end(signal.SIGKILL)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """SIGSTOP, and SIGCONT at the end: connections stay up, nothing answers."""
        assert self._process is not None
        stopping = self._process.pid
        self._process.send_signal(signal.SIGSTOP)
        try:
            wait_until(lambda: _stopped(stopping), timeout=60, what="the broker has stopped")
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        """Whether it answers an ApiVersions request. Raises if the process has ended instead."""
        if self._process is not None and self._process.poll() is not None:
            raise RuntimeError(f"the broker ended while starting:\n{self.log.read_text()[-4000:]}")
        api_versions = struct.pack(">hhih", 18, 0, 1, -1)  # key, version, correlation id, no client id
        try:
            with socket.create_connection(("127.0.0.1", self._ports["PLAINTEXT"]), 1) as connection:
                connection.settimeout(5)
                connection.sendall(struct.pack(">i", len(api_versions)) + api_versions)
                return len(connection.recv(4)) == 4
        except OSError:
            return False

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _format(self) -> None:
        """Make the data folder, and in it the SCRAM users: a copy of one that was formatted before (a JVM start: 1 s)."""
        made_from = (FILES / "pom.xml").read_bytes() + str((CLUSTER_ID, USER, PASSWORD, self._secure)).encode()
        formatted = CACHE / f"formatted-{hashlib.sha256(made_from).hexdigest()[:16]}"
        if not formatted.exists():
            CACHE.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=CACHE) as folder:
                self._format_anew(Path(folder))
                with contextlib.suppress(FileExistsError):  # another process was first
                    (Path(folder) / "data").rename(formatted)
        shutil.copytree(formatted, self.folder / "data")

    def _format_anew(self, folder: Path) -> None:
        config = folder / "server.properties"
        config.write_text(self._config.read_text() + f"log.dirs={folder / 'data'}\n")
        scram = [m for m in MECHANISMS[1:] if self._secure]
        users = [word for m in scram for word in ("--add-scram", f"{m}=[name={USER},password={PASSWORD}]")]
        command = _java("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", config, *users)
        done = run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"the broker's data folder could not be formatted:\n{done.stdout}{done.stderr}")

    def __getstate__(self) -> dict[str, object]:
        """What another process may know of it, which must not stop it."""
        return {**self.__dict__, "_process": None}

    def _properties(self, settings: Mapping[str, str]) -> str:
        """The text of server.properties: that of the file, then ours, then the caller's."""
        controller = free_port()
        listeners = ",".join(f"{protocol}://{self.address(protocol)}" for protocol in self._ports)
        ours = {
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"{listeners},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": listeners,
            "listener.security.protocol.map": ",".join(f"{p}:{p}" for p in self._ports) + ",CONTROLLER:PLAINTEXT",
            "log.dirs": str(self.folder / "data"),
        }
        secure = _secure_properties(self.certificates) if self.certificates else {}
        lines = [f"{name}={value}\n" for name, value in {**ours, **secure, **settings}.items()]
        return (FILES / "server.properties").read_text() + "".join(lines)
