-- name: pin
-- The first request of a tenant pins it; runs as the system role, which alone may write tenants.
update tenants set api_version = $2 where tenant_id = $1 and api_version is null

-- name: get_pin
-- What a tenant is pinned to.
select api_version from tenants where tenant_id = $1

-- name: set_pin
-- A tenant moves to another version, or back; runs as the system role.
update tenants set api_version = $2 where tenant_id = $1
