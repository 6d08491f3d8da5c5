-- name: stream_head
-- How far a simulation is; see app.stream_head_v1.
select * from app.stream_head_v1($1, $2, $3, $4, $5)

-- name: stream_events
-- What happened in a simulation and to its scores after a sequence; with $4 in one exchange only. The caller
-- has seen the simulation before.
select e.sequence, e.type, (e.data ->> 'seq')::int as seq, e.data ->> 'assessment_id' as assessment_id,
       (e.data ->> 'revision')::int as revision, e.data ->> 'cause' as cause, e.data ->> 'reason' as reason
  from events e
 where e.tenant_id = $1 and e.resource_id = $2 and e.sequence > $3
   and case when $4::int is null
            then e.type in ('simulation.started', 'turn.completed', 'simulation.ended', 'scoring.completed',
                            'scoring.revised', 'scoring.failed')
            else (e.data ->> 'seq')::int = $4 or e.type = 'simulation.ended' end
 order by e.sequence

-- name: stream_turns
-- The turns that events speak of.
select t.tenant_id, t.text, t.appraisal, t.simulation_id, t.turn_id, t.seq, t.role, t.state, t.surface, t.acts,
       t.causes, t.engine, t.created_at, t.wording, s.hints
  from simulations s
  join turns t on t.tenant_id = $1 and t.simulation_id = s.simulation_id and t.seq = any ($3)
 where s.tenant_id = $1 and s.simulation_id = $2
 order by t.seq

-- name: stream_first_turns
-- The turns that a simulation began with: more than one of a branch.
select t.tenant_id, t.text, t.appraisal, t.simulation_id, t.turn_id, t.seq, t.role, t.state, t.surface, t.acts,
       t.causes, t.engine, t.created_at, t.wording, s.hints
  from simulations s
  join turns t
    on t.tenant_id = $1 and t.simulation_id = s.simulation_id and t.seq <= coalesce(s.branch_seq, 0)
 where s.tenant_id = $1 and s.simulation_id = $2
 order by t.seq
