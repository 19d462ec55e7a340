"""CompareService: measure synthetic rows against held-out real rows."""

from __future__ import annotations

from clients.sdk.calls.started import Started
from clients.sdk.link import Link, new_request_id
from sensorforge.compare.v1 import compare_service_pb2, compare_service_pb2_grpc


class CompareCalls(Link):
    """Operations of CompareService."""

    @property
    def _compare(self) -> compare_service_pb2_grpc.CompareServiceAsyncStub:
        return compare_service_pb2_grpc.CompareServiceStub(self.channel("compare"))

    async def start_comparison(
        self, machine: str, spec: compare_service_pb2.ComparisonSpec, *, request_id: str = ""
    ) -> Started:
        """Starts a comparison (output role "report")."""
        request = compare_service_pb2.StartComparisonRequest(
            machine=machine, spec=spec, request_id=request_id or new_request_id()
        )
        answer = await self.call("compare", self._compare.StartComparison, request)
        return Started(answer.job, answer.reused)

    async def get_comparison(self, name: str) -> compare_service_pb2.GetComparisonResponse:
        """Returns a finished comparison's verdict, gates and whole report."""
        request = compare_service_pb2.GetComparisonRequest(name=name)
        return await self.call("compare", self._compare.GetComparison, request)

    async def summarize_machines(self) -> str:
        """Returns the newest comparison of every machine as CSV text, one row a machine."""
        request = compare_service_pb2.SummarizeMachinesRequest()
        return (await self.call("compare", self._compare.SummarizeMachines, request)).csv
