-- What partners attach to a batch of simulations, and where the recovery of an endpoint goes on.

alter table app.operations add column metadata bytea;  -- sealed JSON object, with the learner's key

-- The last position that the last recovery looked at; null when it reached the end of its range.
alter table app.webhook_endpoints add column recovery_position bigint check (recovery_position >= 0);
