import Essentials
import Foundation
import Jobs
import Postgres
import TestSupport
import Testing

@testable import Configuration
@testable import Reporting

/// What else than its own rows a replacement could lose.
extension ReplaceTests {
  @Test("A replacement in staging mode does not delete rows in whose place conflicts leave none")
  func stagingConflicts() async throws {
    let fixture = try await archived("ALTER TABLE events.clicks ADD PRIMARY KEY (id);")
    // The archived rows are on another day now, and the day has three others.
    try await fixture.psql(
      """
      UPDATE events.clicks SET at = '2024-01-05' WHERE id < 4;
      INSERT INTO events.clicks VALUES (11, '2024-01-01 1:00+00'), (12, '2024-01-01 2:00+00'), (13, '2024-01-01 3:00+00');
      """)
    let error = try await fixture.restoreError(replace(", \"mode\": \"staging\""))
    #expect(error.code == .fewerRows)
    #expect(error.details == ["archive_rows": .number(0), "table_rows": .number(3)])
    #expect(try await fixture.psql("SELECT count(*) FROM events.clicks WHERE id > 10") == "3")
    let forced = try await fixture.restoreOne(replace(", \"mode\": \"staging\", \"force\": true"))
    #expect(forced.rowsSkipped == 3)
    #expect(try await fixture.psql("SELECT count(*) FROM events.clicks WHERE id > 10") == "0")
  }

  @Test("A trigger that moves the loaded rows to another day stops the replacement")
  func movingTrigger() async throws {
    let fixture = try await archived()
    try await fixture.psql(
      """
      CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.at := NEW.at + interval '1 day'; RETURN NEW; END $$;
      CREATE TRIGGER later BEFORE INSERT ON events.clicks FOR EACH ROW EXECUTE FUNCTION later();
      """)
    #expect(try await fixture.restoreError(replace()).code == .fewerRows)
    #expect(try await fixture.psql("SELECT count(*) FROM events.clicks WHERE at < '2024-01-02'") == "4")
  }

  @Test("A replacement does not take the time from rows: the table's time column is not in the file")
  func renamedTimeColumn() async throws {
    let fixture = try await Fixture(settings: ["BACKUP_TABLES": "events.clicks:seen"])
    _ = try await fixture.backupOne("\"table\": \"events.clicks:at\", \"date\": \"2024-01-01\"")
    try await fixture.psql("ALTER TABLE events.clicks RENAME COLUMN at TO seen")
    let error = try await fixture.restoreError(replace(", \"columns_missing\": \"ignore\", \"force\": true"))
    #expect(error.code == .badTimeColumn)
    #expect(try await fixture.psql("SELECT count(seen) FROM events.clicks") == "5")
    let renamed = replace() + ", \"copy\": {\"columns\": [\"id\", \"seen\", \"note\"]}"
    #expect(try await fixture.restoreOne(renamed).rowsLoaded == 3)
  }

  @Test("A replacement does not lose the values of a column that the archive lacks, unless forced")
  func newColumn() async throws {
    let fixture = try await archived()
    try await fixture.psql("ALTER TABLE events.clicks ADD COLUMN payer text, ADD COLUMN empty text")
    #expect(try await fixture.restoreOne(replace()).rowsLoaded == 3)
    try await fixture.psql("UPDATE events.clicks SET payer = 'p' || id")
    let error = try await fixture.restoreError(replace())
    #expect(error.code == .archiveDiffers)
    #expect(error.details == ["columns": .array([.string("payer")])])
    #expect(try await fixture.psql("SELECT count(payer) FROM events.clicks") == "5")
    #expect(try await fixture.restoreOne(replace(", \"force\": true")).rowsLoaded == 3)
    #expect(try await fixture.psql("SELECT count(payer) FROM events.clicks") == "2")
  }

  @Test("A manifest without the kind of its column tells it by the column's type")
  func olderManifest() async throws {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA events; CREATE TABLE events.clicks (id int, at timestamp);
      INSERT INTO events.clicks VALUES (1, '2023-12-31 23:30'), (2, '2024-01-01 12:00'), (3, '2024-01-01 23:30');
      """, settings: ["BACKUP_TABLES": "events.clicks:at", "BACKUP_TIMEZONE": "Europe/Berlin"])
    _ = try await fixture.backupOne()
    var manifest = try fixture.manifest()
    var window = try #require(manifest["window"]?.object)
    for name in ["kind", "start_value", "end_value"] { window[name] = nil }
    manifest["window"] = .object(window)
    try Data(JSONValue.object(manifest).compact.utf8).write(
      to: fixture.directory.url.appending(path: "\(fixture.database)/_sluice/events.clicks.2024-01-01.json"))
    // The clock of the column was UTC.
    try await fixture.psql("ALTER TABLE events.clicks ALTER COLUMN at TYPE timestamptz USING at AT TIME ZONE 'UTC'")
    #expect(try await fixture.restoreError(replace()).code == .badTimeColumn)
    #expect(try await fixture.psql("SELECT string_agg(id::text, ',' ORDER BY id) FROM events.clicks") == "1,2,3")
  }

  @Test("A rule ON DELETE stops a replacement as a foreign key with an action does")
  func deleteRule() async throws {
    let fixture = try await archived(
      """
      CREATE TABLE public.notes (click int); INSERT INTO public.notes VALUES (1), (2);
      CREATE RULE forget AS ON DELETE TO events.clicks DO ALSO DELETE FROM public.notes WHERE click = OLD.id;
      """)
    let error = try await fixture.restoreError(replace())
    #expect(error.code == .deleteCascades)
    #expect(error.details == ["constraints": .array([]), "rules": .array([.string("forget")])])
    #expect(try await fixture.count("public.notes") == 2)
    #expect(try await fixture.restoreOne(replace(", \"cascade\": true")).rowsLoaded == 3)
  }

  @Test("Rows that a foreign key without an action refers to are not replaced, and the error names the referring table")
  func referenced() async throws {
    let fixture = try await archived(
      """
      ALTER TABLE events.clicks ADD UNIQUE (id);
      CREATE TABLE public.notes (click int REFERENCES events.clicks (id)); INSERT INTO public.notes VALUES (2);
      """)
    let before = try await fixture.psql("SELECT string_agg(id::text, ',' ORDER BY id) FROM events.clicks")
    let error = try await fixture.restoreError(replace())
    #expect(error.code == .constraintViolation)
    #expect(error.message.contains("rows of public.notes refer to rows of the day in events.clicks"))
    #expect(try await fixture.psql("SELECT string_agg(id::text, ',' ORDER BY id) FROM events.clicks") == before)
  }

  @Test("DELETE triggers that ran are a warning")
  func deleteTrigger() async throws {
    let fixture = try await archived()
    try await fixture.psql(
      """
      CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
      CREATE TRIGGER look AFTER DELETE ON events.clicks FOR EACH ROW EXECUTE FUNCTION look();
      """)
    let result = try await fixture.restoreOne(replace())
    #expect(result.warnings.contains { $0.hasSuffix("DELETE triggers, which ran for the replaced rows: look") })
  }

  @Test("A row of an inheriting table that is committed after the check is not deleted unseen")
  func childBetween() async throws {
    let fixture = try await archived()
    // A statement trigger stands for another session: it inserts between the check and the deletion.
    try await fixture.psql(
      """
      CREATE TABLE public.more () INHERITS (events.clicks);
      CREATE FUNCTION another() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO public.more VALUES (9, '2024-01-01 10:00+00'); RETURN NULL; END $$;
      CREATE TRIGGER another BEFORE DELETE ON events.clicks EXECUTE FUNCTION another();
      """)
    #expect(try await fixture.restoreError(replace(", \"force\": true")).code == .rowsNotDeleted)
    #expect(try await fixture.count() == 5)
  }
}
