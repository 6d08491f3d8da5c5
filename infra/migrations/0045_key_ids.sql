-- Processes see in one look which of the tenants they work for have other keys than before; never the keys.
create policy system on app.tenant_keys for select to rapport_system using (true);
grant select (tenant_id, key_id) on app.tenant_keys to rapport_system;
