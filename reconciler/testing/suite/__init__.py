"""The conformance suite: what every provider must do, as cases of pytest over a `Harness`.

    class TestAcme(ProviderSuite):
        @pytest.fixture
        def harness(self) -> AcmeHarness:
            return AcmeHarness()

Load `reconciler.testing.plugin` for the table of providers and cases at the end of the run.
"""

from reconciler.testing.suite.checks import CheckCases
from reconciler.testing.suite.converge import ConvergeCases
from reconciler.testing.suite.faults import FaultCases
from reconciler.testing.suite.idempotence import IdempotenceCases
from reconciler.testing.suite.names import NameCases
from reconciler.testing.suite.observe import ObserveCases
from reconciler.testing.suite.progress import ProgressCases
from reconciler.testing.suite.proof import ProofCases
from reconciler.testing.suite.read_only import ReadOnlyCases
from reconciler.testing.suite.secrets import SecretCases
from reconciler.testing.suite.store import StoreCases

__all__ = ["ProviderSuite"]


class ProviderSuite(
    ObserveCases,
    ConvergeCases,
    IdempotenceCases,
    FaultCases,
    CheckCases,
    ProgressCases,
    NameCases,
    StoreCases,
    SecretCases,
    ReadOnlyCases,
    ProofCases,
):
    """All cases. Bind it with a fixture `harness`; `title` names the column of the table."""

    title = ""
