"""MappingService: suggest, map, transform, merge, templates."""

from __future__ import annotations

from collections.abc import Sequence

from clients.sdk.calls.started import Started
from clients.sdk.link import Link, new_request_id
from sensorforge.mapping.v1 import mapping_service_pb2, mapping_service_pb2_grpc


class MappingCalls(Link):
    """Operations of MappingService."""

    @property
    def _mapping(self) -> mapping_service_pb2_grpc.MappingServiceAsyncStub:
        return mapping_service_pb2_grpc.MappingServiceStub(self.channel("mapping"))

    async def suggest_mappings(
        self,
        machine: str = "",
        *,
        table: str = "",
        columns: Sequence[mapping_service_pb2.ColumnHint] = (),
        profile: str = "",
        profile_document: str = "",
    ) -> mapping_service_pb2.SuggestMappingsResponse:
        """Returns a role and a sensor for every column of a table, or of a bare tag list."""
        request = mapping_service_pb2.SuggestMappingsRequest(
            machine=machine, table=table, columns=columns, profile=profile, profile_document=profile_document
        )
        return await self.call("mapping", self._mapping.SuggestMappings, request)

    async def start_mapping(
        self, machine: str, spec: mapping_service_pb2.MappingSpec, *, request_id: str = ""
    ) -> Started:
        """Starts writing the mapped rows (output role "table")."""
        request = mapping_service_pb2.StartMappingRequest(
            machine=machine, spec=spec, request_id=request_id or new_request_id()
        )
        answer = await self.call("mapping", self._mapping.StartMapping, request)
        return Started(answer.job, answer.reused)

    async def start_transform(
        self, machine: str, spec: mapping_service_pb2.TransformSpec, *, request_id: str = ""
    ) -> Started:
        """Starts adding RUL and the split (output role "table")."""
        request = mapping_service_pb2.StartTransformRequest(
            machine=machine, spec=spec, request_id=request_id or new_request_id()
        )
        answer = await self.call("mapping", self._mapping.StartTransform, request)
        return Started(answer.job, answer.reused)

    async def start_merge(self, machine: str, spec: mapping_service_pb2.MergeSpec, *, request_id: str = "") -> Started:
        """Starts choosing the rows to train on (output role "rows")."""
        request = mapping_service_pb2.StartMergeRequest(
            machine=machine, spec=spec, request_id=request_id or new_request_id()
        )
        answer = await self.call("mapping", self._mapping.StartMerge, request)
        return Started(answer.job, answer.reused)

    async def check_merge(self, machine: str, spec: mapping_service_pb2.MergeSpec) -> None:
        """Returns if the rows suffice for the strategy, and raises what a merge would raise if not; starts nothing."""
        request = mapping_service_pb2.StartMergeRequest(machine=machine, spec=spec, validate_only=True)
        await self.call("mapping", self._mapping.StartMerge, request)

    async def start_join(self, machine: str, spec: mapping_service_pb2.JoinSpec, *, request_id: str = "") -> Started:
        """Starts joining two mapped tables whose rows have different cadence (output role "table")."""
        request = mapping_service_pb2.StartJoinRequest(
            machine=machine, spec=spec, request_id=request_id or new_request_id()
        )
        answer = await self.call("mapping", self._mapping.StartJoin, request)
        return Started(answer.job, answer.reused)

    async def list_templates(self, machine: str) -> list[mapping_service_pb2.Template]:
        """Returns the remembered mappings of a machine, newest first."""
        request = mapping_service_pb2.ListTemplatesRequest(machine=machine)
        return list((await self.call("mapping", self._mapping.ListTemplates, request)).templates)

    async def save_template(
        self,
        machine: str,
        columns: Sequence[mapping_service_pb2.ColumnMapping],
        time: mapping_service_pb2.TimeOptions | None = None,
        align: mapping_service_pb2.AlignOptions | None = None,
    ) -> mapping_service_pb2.Template:
        """Remembers a confirmed mapping for files with the same header."""
        request = mapping_service_pb2.SaveTemplateRequest(machine=machine, columns=columns, time=time, align=align)
        return (await self.call("mapping", self._mapping.SaveTemplate, request)).template

    async def delete_template(self, name: str) -> None:
        """Forgets a remembered mapping."""
        request = mapping_service_pb2.DeleteTemplateRequest(name=name)
        await self.call("mapping", self._mapping.DeleteTemplate, request)
