-- The versions of the parts that are applied for the role.
SELECT v.part, v.version FROM sluice.schema_version v WHERE v.role = {{role}}
