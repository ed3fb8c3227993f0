"""A receiver whose certificate is not good: nothing of a notification is written to it, and it is not asked again."""

from pathlib import Path

import pytest
from edge.certificates import Certificates, Identity, make
from edge.scripts import answer, over_tls, server_context
from faults.harness.case import MakeCase
from faults.harness.history import Mode
from faults.harness.scenes import SETTINGS, playing, through

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make(tmp_path_factory.mktemp("certificates"))


@pytest.mark.parametrize(
    "name",
    [pytest.param("expired", marks=pytest.mark.faults_ci), "wrong_host", "other_server"],
    ids=["expired", "wrong host", "unknown authority"],
)
def test_a_bad_certificate(make_case: MakeCase, mode: Mode, certificates: Certificates, name: str) -> None:
    def behind(identity: Identity) -> object:
        return over_tls(server_context(identity), answer(200))

    bad: Identity = getattr(certificates, name)
    trusted = {**SETTINGS, "http": {**SETTINGS["http"], "ca_file": str(Path(certificates.authority.cert))}}
    case = make_case(
        f"receiver: certificate, {name.replace('_', ' ')}",
        mode=mode,
        journal=True,
        settings=trusted,
        receiver=behind(certificates.server),
        scheme="https",
    )
    through(case, "not_sent", playing(case.receiver, over_tls(server_context(bad), answer(200))))
