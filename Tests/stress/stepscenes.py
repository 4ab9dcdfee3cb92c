"""The restores that steps.py breaks: their tables, requests, and how another session or a trigger gets in their way."""

from pathlib import Path

from program import sql

DAYS = [f"2024-01-0{n}" for n in range(4, 8)]
UNTIL = "2999-01-01"

READINGS = """
CREATE TABLE st.t (at timestamptz NOT NULL, device int NOT NULL, value float8{more});
SELECT create_hypertable('st.t', 'at', chunk_time_interval => interval '{interval}');
INSERT INTO st.t SELECT t, d, extract(epoch FROM t)::int8 % 1000 + d
  FROM generate_series('2024-01-04'::timestamptz, '2024-01-07 23:59', '1 min') t, generate_series(1, 3) d;
ALTER TABLE st.t SET (timescaledb.compress, timescaledb.compress_segmentby = 'device');
"""
AGGREGATES = """
CREATE MATERIALIZED VIEW st.{name} WITH (timescaledb.continuous, timescaledb.materialized_only = true) AS
  SELECT time_bucket('{bucket}', at) AS at, device, sum(value) AS value, count(*) AS n FROM {source} GROUP BY 1, 2 WITH NO DATA;
"""
REFRESH = "CALL refresh_continuous_aggregate('st.{name}', NULL, NULL)"
COMPRESS = "SELECT compress_chunk(c) FROM show_chunks('st.t') c;"
NATIVE = """
CREATE TABLE st.t (at timestamptz NOT NULL, device int NOT NULL, value float8) PARTITION BY RANGE (at);
CREATE INDEX ON st.t (at);
""" + "".join(
    f"CREATE TABLE st.t_2024010{n} PARTITION OF st.t FOR VALUES FROM ('2024-01-0{n} 00:00+00') TO ('2024-01-0{n + 1} 00:00+00');\n"
    for n in range(4, 8)) + """
INSERT INTO st.t SELECT t, d, extract(epoch FROM t)::int8 % 1000 + d
  FROM generate_series('2024-01-04'::timestamptz, '2024-01-07 23:59', '1 min') t, generate_series(1, 3) d;
"""
LATE = "at >= '2024-01-06 00:00+00' AND at < '2024-01-06 18:00+00'"


class Scene:
    def __init__(self, name, setup, damage, request, days, views=(), keeps=False, isNative=False):
        self.name, self.setup, self.damage = name, setup, damage
        self.request, self.days, self.views, self.keeps, self.isNative = request, days, views, keeps, isNative
        self.isSingle = len(days) == 1
        # Whether to send it again without a key, when its rows are there, is harmless.
        self.isRepeatable = request["destination"].get("on_existing") == "replace"

    def refresh(self, database):
        for view in self.views:
            sql(REFRESH.format(name=view), database)


def replace(**more):
    return {"table": "st.t", "destination": {"on_existing": "replace"}, **more}


ALL_VIEWS = ("hourly", "weekly", "daily")
VIEWS_SQL = (
    AGGREGATES.format(name="hourly", bucket="1 hour", source="st.t")
    + AGGREGATES.format(name="weekly", bucket="1 week", source="st.t")
    + AGGREGATES.format(name="daily", bucket="1 day", source="st.hourly"))
RETENTION = "SELECT add_retention_policy('st.t', interval '30 days', initial_start => now() + interval '1 day');"

SCENES = [
    Scene(
        "replace a day", READINGS.format(interval="7 days", more="") + VIEWS_SQL + COMPRESS,
        f"UPDATE st.t SET value = -1 WHERE {LATE}; {COMPRESS} {RETENTION}",
        replace(date="2024-01-06", keep_until=UNTIL, pause_jobs=True, timescaledb={"refresh_caggs": "all"}),
        ["2024-01-06"], ALL_VIEWS, keeps=True),
    Scene(
        "four days of a chunk", READINGS.format(interval="7 days", more="") + VIEWS_SQL + COMPRESS,
        "UPDATE st.t SET value = -2 WHERE extract(hour FROM at AT TIME ZONE 'UTC') < 9;",
        replace(**{"from": DAYS[0], "to": DAYS[-1], "timescaledb": {"refresh_caggs": "all"}}), DAYS, ALL_VIEWS),
    Scene(
        "four chunks", READINGS.format(interval="1 day", more="") + VIEWS_SQL + COMPRESS,
        f"UPDATE st.t SET value = -2 WHERE extract(hour FROM at AT TIME ZONE 'UTC') < 9; {COMPRESS}",
        replace(**{"from": DAYS[0], "to": DAYS[-1], "timescaledb": {"refresh_caggs": "all"}}), DAYS, ALL_VIEWS),
    Scene(
        "append", READINGS.format(interval="7 days", more="") + VIEWS_SQL + COMPRESS,
        f"DELETE FROM st.t WHERE at >= '2024-01-06 00:00+00' AND at < '2024-01-07 00:00+00'; {COMPRESS}",
        {"table": "st.t", "date": "2024-01-06", "destination": {"on_existing": "append"},
         "timescaledb": {"refresh_caggs": ["st.daily", "st.hourly"]}}, ["2024-01-06"], ("hourly", "daily")),
    Scene(
        "unique index", READINGS.format(interval="7 days", more=", UNIQUE (device, at)") + COMPRESS,
        f"DELETE FROM st.t WHERE {LATE}; {COMPRESS}",
        {"table": "st.t", "date": "2024-01-06", "destination": {"mode": "staging"}}, ["2024-01-06"]),
    Scene(
        "create partition", NATIVE, "DROP TABLE st.t_20240106;",
        {"table": "st.t", "date": "2024-01-06", "destination": {"create_partition": True}}, ["2024-01-06"], isNative=True),
    Scene(
        "create table", READINGS.format(interval="7 days", more=""), "DROP TABLE st.t;",
        {"table": "st.t", "date": "2024-01-06", "destination": {"create_table": True}}, ["2024-01-06"]),
]

SQL_FOLDER = Path(__file__).parents[2] / "Sources/Database/SQL"


def make_log(database):
    """Makes the program's tables, so that something can be in their way."""
    tables = [(SQL_FOLDER / f"{name}.sql").read_text() for name in ("restore_log_table", "hold_table")]
    sql("CREATE SCHEMA IF NOT EXISTS sluice; " + ";".join(tables), database)


RAISE = "CREATE FUNCTION {name}() RETURNS {kind} LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'in the way'; END $$;"


def trigger(table, event, condition=""):
    def place(database):
        sql(RAISE.format(name="st.refuse", kind="trigger")
            + f"CREATE TRIGGER refuse BEFORE {event} ON {table} FOR EACH ROW {condition} EXECUTE FUNCTION st.refuse()", database)
        return lambda: sql("DROP FUNCTION st.refuse CASCADE", database)
    return place


def at_commit(database):
    """A hypertable takes no constraint trigger, so that a trigger of it writes into a table that has one."""
    sql(RAISE.format(name="st.refuse", kind="trigger")
        + """
        CREATE TABLE public.noted (at timestamptz);
        CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON public.noted DEFERRABLE INITIALLY DEFERRED
          FOR EACH ROW EXECUTE FUNCTION st.refuse();
        CREATE FUNCTION st.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.noted VALUES (NEW.at); RETURN NEW; END $$;
        CREATE TRIGGER note BEFORE INSERT ON st.t FOR EACH ROW EXECUTE FUNCTION st.note()""", database)
    return lambda: sql("DROP FUNCTION st.refuse, st.note CASCADE; DROP TABLE public.noted", database)


def no_hold(database):
    """A trigger of the table itself would have it refused before the first change."""
    make_log(database)
    sql("ALTER TABLE sluice.hold DROP COLUMN kind", database)
    return lambda: sql("ALTER TABLE sluice.hold ADD COLUMN kind text NOT NULL", database)


def on_log(condition):
    def place(database):
        make_log(database)
        sql(f"ALTER TABLE sluice.restore_log ADD CONSTRAINT refuse CHECK ({condition}) NOT VALID", database)
        return lambda: sql("ALTER TABLE sluice.restore_log DROP CONSTRAINT refuse", database)
    return place


def on_command(*tags):
    def place(database):
        tag_list = ", ".join(f"'{tag}'" for tag in tags)
        sql(RAISE.format(name="public.refuse", kind="event_trigger")
            + f"CREATE EVENT TRIGGER refuse ON ddl_command_end WHEN TAG IN ({tag_list}) EXECUTE FUNCTION public.refuse()", database)
        return lambda: sql("DROP FUNCTION public.refuse CASCADE", database)
    return place


def materialization(view, database):
    return sql(
        "SELECT format('%I.%I', h.schema_name, h.table_name) FROM _timescaledb_catalog.continuous_agg a "
        f"JOIN _timescaledb_catalog.hypertable h ON h.id = a.mat_hypertable_id WHERE user_view_name = '{view}'", database)


def on_aggregate(view):
    def place(database):
        return trigger(materialization(view, database), "INSERT")(database)
    return place


def triggers(scene):
    """Names of what raises, with what places it; it returns what removes it."""
    found = []
    if scene.name != "create table":
        found.append(("raise at insert", trigger("st.t", "INSERT", "WHEN (NEW.at >= '2024-01-06 21:00+00')")))
        found.append(("raise at the first insert", trigger("st.t", "INSERT")))
    if scene.request["destination"].get("on_existing") == "replace":
        found.append(("raise at delete", trigger("st.t", "DELETE", "WHEN (OLD.at >= '2024-01-06 12:00+00')")))
    found.append(("refused mark", on_log("rows < 0")))
    if not scene.isNative:
        found.append(("refused end of owed steps", on_log("owed IS NOT NULL OR seconds IS NULL")))
        found.append(("refused log", on_command("CREATE SCHEMA")))
    if scene.keeps:
        found.append(("raise at hold", no_hold))
        found.append(("raise at commit", at_commit))
    found += [(f"raise at refresh of {view}", on_aggregate(view)) for view in scene.views]
    if "create" in scene.name:
        found.append(("raise at create", on_command("CREATE TABLE")))
    if scene.isNative:
        found.append(("raise at attach", on_command("ALTER TABLE")))
    return found


def chunk_lock(mode, number=0):
    def statement(database):
        chunk = sql(f"SELECT c FROM show_chunks('st.t') c ORDER BY c OFFSET {number} LIMIT 1", database)
        return f"LOCK TABLE {chunk} IN {mode} MODE"
    return statement


def aggregate_lock(view):
    return lambda database: f"LOCK TABLE {materialization(view, database)} IN ACCESS EXCLUSIVE MODE"


def plain(statement):
    return lambda database: statement


def locks(scene):
    """Names of locks, the step at which another session takes them (None: before the run), and their statements."""
    found = []
    log = plain("LOCK TABLE sluice.restore_log IN SHARE MODE")
    if scene.name != "create table":
        found.append(("locked table", None, plain("LOCK TABLE st.t IN ACCESS EXCLUSIVE MODE")))
    found.append(("locked log", None, log))
    if scene.isNative:
        found.append(("locked partition", None, plain("LOCK TABLE st.t_20240107 IN ACCESS EXCLUSIVE MODE")))
        found.append(("locked parent at attach", ("attach", 1), plain("LOCK TABLE st.t IN SHARE UPDATE EXCLUSIVE MODE")))
        return found
    if scene.name == "create table":
        found.append(("table made meanwhile", None, plain(
            "CREATE TABLE st.t (at timestamptz)")))
        return found
    for number in (0, 3) if scene.name == "four chunks" else (0,):
        found.append((f"locked chunk {number}", None, chunk_lock("ACCESS SHARE", number)))
        found.append((f"written chunk {number}", None, chunk_lock("ROW EXCLUSIVE", number)))
        found.append((f"locked chunk {number} at recompress", ("recompress", 1), chunk_lock("ACCESS SHARE", number)))
        found.append((f"written chunk {number} before recompress", ("chunk lock", 1), chunk_lock("ROW EXCLUSIVE", number)))
    found.append(("locked log after the commit", ("flush", 1), log))
    found.append(("locked log at recompress", ("recompress", 1), log))
    if scene.keeps:
        found.append(("locked hold", None, plain("LOCK TABLE sluice.hold IN SHARE MODE")))
        found.append(("locked jobs", None, plain("LOCK TABLE _timescaledb_config.bgw_job IN SHARE MODE")))
        found.append(("locked jobs at pause", ("pause", 1), plain("LOCK TABLE _timescaledb_config.bgw_job IN SHARE MODE")))
    found += [(f"locked {view} at refresh", ("refresh", 1), aggregate_lock(view)) for view in scene.views]
    return found
