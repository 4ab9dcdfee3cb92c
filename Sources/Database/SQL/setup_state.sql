-- Whether the setup's notes are there and can be trusted and read.
SELECT s.is_there, s.is_trusted AND s.is_plain AS is_safe, s.may_write AS may_read FROM ({{item_state}}) s
