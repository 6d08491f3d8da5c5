-- PostgreSQL lets everybody call a new function. These are the services' own: the system role, which may
-- update the jobs of all tenants, has no business in them.
revoke execute on all routines in schema app from public;
alter default privileges revoke execute on routines from public;
grant execute on all functions in schema app to rapport_app;
