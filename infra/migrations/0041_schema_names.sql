-- Services look at their start whether every migration that they need is there. Names only.
grant select (name) on public.schema_migrations to rapport_app;
