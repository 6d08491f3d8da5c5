-- In which trace an event came about, so that its webhook belongs to it: a W3C traceparent, ids only, and only where
-- a trace is being recorded. Jobs carry theirs in their payload. Two steps: a new column with such a default would
-- evaluate it for the rows that are there.
alter table app.events add column trace text;
alter table app.events alter column trace set default nullif(current_setting('app.trace', true), '');
grant select (trace) on app.events to rapport_system;
