import Essentials
import Postgres
import TestSupport
import Testing

@testable import Database
@testable import Jobs
@testable import Reporting

/// A server with stand-ins of the flexible server's functions, which are in `pg_catalog` of the database `postgres` alone.
@Suite("The setup of Entra principals")
struct EntraSetupTests {
  static let serverTask = Task {
    let server = try await PostgresServer()
    try await server.psql(
      "postgres",
      """
      CREATE ROLE azure_ad_user NOLOGIN;
      CREATE TABLE public.principal (rolname text, principaltype text, objectid text, tenantid text, ismfa int, isadmin int);
      GRANT ALL ON public.principal TO PUBLIC;
      SET allow_system_table_mods = on;
      CREATE FUNCTION pg_catalog.pgaadauth_create_principal_with_oid(text, text, text, boolean, boolean) RETURNS text
      LANGUAGE plpgsql SECURITY DEFINER AS $$
      BEGIN
        EXECUTE pg_catalog.format('CREATE ROLE %I LOGIN IN ROLE azure_ad_user', $1);
        -- From version 16 on a role is dropped by one who has its ADMIN option.
        IF pg_catalog.current_setting('server_version_num')::int >= 160000 THEN
          EXECUTE pg_catalog.format('GRANT %I TO %I WITH ADMIN OPTION, INHERIT FALSE, SET FALSE', $1, session_user);
        END IF;
        INSERT INTO public.principal VALUES ($1, $3, $2, 't', 0, 0);
        RETURN 'Created role for ' || $1;
      END $$;
      CREATE FUNCTION pg_catalog.pgaadauth_create_principal(text, boolean, boolean) RETURNS text
      LANGUAGE sql AS $$ SELECT pg_catalog.pgaadauth_create_principal_with_oid($1, 'found-by-name', 'service', $2, $3) $$;
      CREATE FUNCTION pg_catalog.pgaadauth_list_principals(boolean)
      RETURNS TABLE (rolname text, principaltype text, objectid text, tenantid text, ismfa int, isadmin int)
      LANGUAGE sql AS $$ SELECT * FROM public.principal $$;
      """)
    return server
  }

  static let objectID = "5f0c0000-0000-0000-0000-00000000000A"

  @Test(
    "A principal is made by the server's function, by its name or its object id, in the database that has it; the setup takes it back",
    arguments: [
      ("managed-identity", true, "service"), ("managed-identity", false, "service"), ("group", true, "group"),
      ("service-principal", true, "service"), ("user", true, "user"),
    ])
  func made(kind: String, byID: Bool, type: String) async throws {
    let site = try await SetupSite(server: await Self.serverTask.value)
    let before = try await site.definitions()
    var members: [String: JSONValue] = ["kind": .string(kind), "for": "backup"]
    if byID { members["object_id"] = .string(Self.objectID) }
    let plan = try await site.run(.plan, members)
    let change = try #require(plan.parts[0].plan.changes.first)
    #expect(change.note == "run in the database postgres")
    #expect(change.statement.hasPrefix("SELECT pg_catalog.pgaadauth_create_principal\(byID ? "_with_oid" : "")("))
    try await site.apply(members)
    #expect(try await site.run(.plan, members).hasChanges == false)
    let listed = try await site.server.psql(
      "postgres", "SELECT principaltype, objectid FROM principal WHERE rolname = \(site.literalRole)")
    #expect(listed == "\(type)|\(byID ? Self.objectID : "found-by-name")")
    #expect(try await site.asRole("SELECT count(*) FROM events.clicks").output == "3\n")

    let roles = try await site.job.roles(site.request(.roles), tables: [])
    #expect(roles.source == "pgaadauth_list_principals")
    let own = try #require(roles.roles.first { $0.principal.name == site.role })
    #expect(own.principal.kind == type && own.principal.mayLogIn && !own.principal.isAdmin)
    #expect(own.principal.memberOf == ["azure_ad_user"])
    #expect(own.rights.contains { "\($0.table)" == "events.clicks" && $0.privileges == ["SELECT"] && !$0.isOwner })

    #expect(try await site.run(.remove).status == .ok)
    #expect(try await site.definitions() == before)
  }

  @Test("The script connects to the database that has the function, and back")
  func script() async throws {
    let site = try await SetupSite(server: await Self.serverTask.value)
    let before = try await site.definitions()
    let request = try site.request(.sql, ["kind": "managed-identity"])
    for _ in 0..<2 {
      let result = try await site.server.psql(site.database, as: site.admin, SetupJob.script(request))
      #expect(result.status == 0, "\(result.errors)")
    }
    #expect(try await site.run(.plan, ["kind": "managed-identity"]).hasChanges == false)
    #expect(
      try await site.server.psql("postgres", "SELECT count(*) FROM principal WHERE rolname = \(site.literalRole)")
        == "1")
    #expect(try await site.run(.remove).status == .ok)
    #expect(try await site.definitions() == before)
  }

  @Test("Where the server has no such function a plain role is made, and the plan says so")
  func plainServer() async throws {
    let site = try await SetupSite()
    let plan = try await site.run(.plan, ["kind": "managed-identity"])
    #expect(plan.parts[0].plan.changes.first?.note.contains("a plain role is made") == true)
    try await site.apply(["kind": "managed-identity"])
    #expect(try await site.run(.remove).status == .ok)
  }

  @Test("Without the function the members of azure_ad_user are listed; a role that was named is listed too")
  func byMembership() async throws {
    let server = try await PostgresServer()
    let site = try await SetupSite(server: server)
    try await site.apply()
    let name = "Ent.ra \(site.mark)"
    _ = try await site.psql(
      "CREATE ROLE azure_ad_user; CREATE ROLE \(SetupSite.quoted(name)) LOGIN IN ROLE azure_ad_user; "
        + "GRANT USAGE ON SCHEMA events TO \(SetupSite.quoted(name)); GRANT INSERT ON events.clicks TO \(SetupSite.quoted(name))"
    )
    let report = try await site.job.roles(site.request(.roles), tables: [])
    #expect(report.source == "azure_ad_user")
    #expect(report.roles.map(\.principal.name) == [name, site.role])
    #expect(report.roles.map(\.principal.isPrincipal) == [true, false])
    #expect(report.roles[0].rights.first { "\($0.table)" == "events.clicks" }?.privileges == ["INSERT"])
    server.stop()
  }

  @Test("The label of a principal tells its object id, type and whether it is an administrator")
  func label() {
    let label = EntraPrincipal.Label("aadauth,oid=\(Self.objectID),type=service,admin")
    #expect(label.objectID == Self.objectID && label.kind == "service" && label.isAdmin)
    #expect(EntraPrincipal.Label("aadauth,oid=x,type=user").isAdmin == false)
  }
}
