import Essentials
import Foundation
import Glibc
import Jobs
import TestSupport
import Testing

extension ProgramTests {
  /// `sluice package`: the folder to deploy.
  @Suite("Packages")
  struct Packages {
    /// A package in a place of its own, gone with this value.
    private struct Made: Sendable {
      let site: Site
      let folder: String
      let result: CommandResult

      init() async throws {
        site = try await Site(withDatabase: false)
        folder = site.app.file("package")
        result = try await site.sluice(["package", "--output", folder])
      }

      func json(_ name: String) throws -> JSONValue {
        try JSONValue(try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8))
      }
    }

    /// The functions of the repository's list.
    private static func declared() throws -> [JSONValue] {
      try JSONValue(Repository.text("function-routes.json"))["functions"].items
    }

    @Test("The package has a folder for each function and no other")
    func files() async throws {
      let made = try await Made()
      #expect(made.result.status == 0)
      #expect(made.result.output.contains(made.folder))
      let functions = try made.json("function-routes.json")["functions"].items.compactMap { $0["name"].text }
      #expect(try functions.count == Self.declared().count)
      let content = try FileManager.default.contentsOfDirectory(atPath: made.folder)
      #expect(
        Set(content)
          == Set(
            functions + ["host.json", "function-routes.json", "local.settings.json", ".funcignore", "sluice", "lib"]))
    }

    @Test("The program alone writes the package: it has the list of functions within")
    func alone() async throws {
      let made = try await Made()
      let site = try await Site(withDatabase: false)
      let program = site.app.file("bin/sluice")
      try FileManager.default.createDirectory(atPath: site.app.file("bin"), withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: "\(made.folder)/sluice", toPath: program)
      let result = try await run(
        "/usr/bin/env",
        ["-C", site.app.file("bin"), "LD_LIBRARY_PATH=\(made.folder)/lib", program, "package", "--output", "out"])
      #expect(result.status == 0, "\(result.errors)")
      let list = try String(contentsOfFile: site.app.file("bin/out/function-routes.json"), encoding: .utf8)
      #expect(try list == Repository.text("function-routes.json"))
      let missing = try await site.sluice(["package", "--output", "other", "--routes", "absent.json"])
      #expect(missing.status == 2)
    }

    @Test("The program in the package has no symbols, and the settings for a developer's machine hold no secret")
    func small() async throws {
      let made = try await Made()
      let sections = try await runChecked("/usr/bin/readelf", ["-S", "--wide", "\(made.folder)/sluice"])
      #expect(!sections.contains(".symtab") && !sections.contains(".debug_info"))
      let values = try made.json("local.settings.json")["Values"]
      #expect(values["FUNCTIONS_WORKER_RUNTIME"].text == "custom")
      let names = values.object?.keys.map { $0 } ?? []
      #expect(!names.contains { $0.contains("PASSWORD") || $0.contains("KEY") })
      #expect(try String(contentsOfFile: "\(made.folder)/.funcignore", encoding: .utf8).contains("local.settings.json"))
    }

    @Test("The schedules are app settings on request, with the defaults beside them")
    func schedules() async throws {
      let site = try await Site(withDatabase: false)
      let folder = site.app.file("package")
      #expect(try await site.sluice(["package", "--output", folder, "--schedule-settings"]).status == 0)
      func json(_ name: String) throws -> JSONValue {
        try JSONValue(try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8))
      }
      #expect(try json("nightly_backup/function.json")["bindings"].items[0]["schedule"].text == "%BACKUP_SCHEDULE%")
      #expect(try json("local.settings.json")["Values"]["BACKUP_SCHEDULE"].text == "0 15 2 * * *")
      #expect(try json("local.settings.json")["Values"]["RETENTION_SCHEDULE"].text == "0 45 3 * * *")
    }

    @Test("The host.json of the package is that of the repository")
    func hostFile() async throws {
      let made = try await Made()
      #expect(
        FileManager.default.contentsEqual(atPath: "\(made.folder)/host.json", andPath: "\(Site.repository)/host.json"))
    }

    @Test(
      "An HTTP function has one trigger and one output, so that the host forwards it, unless its job goes to a queue")
    func bindings() async throws {
      let made = try await Made()
      var seen: [String: Int] = [:]
      for function in try made.json("function-routes.json")["functions"].items {
        let name = try #require(function["name"].text)
        let bindings = try made.json("\(name)/function.json")["bindings"].items
        let trigger = try #require(function["trigger"].text)
        seen[trigger, default: 0] += 1
        let types = bindings.map { "\($0["type"].text ?? "") \($0["direction"].text ?? "")" }
        let output = function["output"] == .null ? [] : ["queue out"]
        let wanted =
          switch trigger {
          case "http": ["httpTrigger in", "http out"] + output
          // What the host has given up goes no further.
          case "queue" where name.hasSuffix("_poison"): ["queueTrigger in"]
          case "queue": ["queueTrigger in", "queue out", "queue out"]
          default: ["\(trigger)Trigger in"] + output
          }
        #expect(types == wanted, "\(name)")
        #expect(bindings[0]["route"] == function["route"], "\(name)")
        #expect(bindings[0]["schedule"] == function["schedule"], "\(name)")
        #expect(bindings[0]["queueName"] == function["queue"], "\(name)")
      }
      #expect(try seen == Dictionary(Self.declared().map { ($0["trigger"].text ?? "", 1) }, uniquingKeysWith: +))
    }

    @Test("The packaged program runs from any folder")
    func anyFolder() async throws {
      let made = try await Made()
      let program = "\(made.folder)/sluice"
      #expect(access(program, X_OK) == 0)
      let version = try await run("/usr/bin/env", ["-i", "-C", "/", program, "version"])
      #expect(version.status == 0)
      #expect(version.output == "sluice \(Program.version)\n")
      // Every library but the C library's own is in the package: where the program was built the loader may take its
      // own copies, elsewhere there are none.
      let libraries = try await runChecked("/usr/bin/ldd", [program])
      let packaged = try FileManager.default.contentsOfDirectory(atPath: "\(made.folder)/lib")
      let names = libraries.split(separator: "\n").filter { $0.contains(" => ") }.compactMap {
        $0.trimmingPrefix("\t").split(separator: " ").first.map(String.init)
      }
      #expect(names.contains { $0.hasPrefix("libpq.so") })
      for name in names {
        #expect(packaged.contains(name) || Self.cLibrary.contains { name.hasPrefix($0) }, "\(name)")
      }
      #expect(!packaged.contains { name in Self.cLibrary.contains { name.hasPrefix($0) } })
    }

    @Test("The packaged program serves with its folder as the app's root")
    func serves() async throws {
      let made = try await Made()
      let site = try await Site()
      try await site.makeClicks(10)
      let port = try PostgresServer.freePort()
      let process = try SluiceProcess(
        ["serve"],
        environment: site.environment.merging([
          "FUNCTIONS_CUSTOMHANDLER_PORT": "\(port)", "FUNCTIONS_APP_ROOT_PATH": made.folder,
        ]) { $1 },
        directory: made.folder, program: "\(made.folder)/sluice")
      let service = Service(process: process, port: port, site: site)
      try await service.waitUntilReady()
      #expect(try await service.get("/api/backup_manual?table=events.clicks&date=2024-01-01").status == 200)
      #expect(try await site.rows(inArchive: site.archive()) == 10)
    }

    @Test("A folder that is not empty stays as it is")
    func notEmpty() async throws {
      let site = try await Site()
      let folder = site.app.file("full")
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try "mine".write(toFile: folder + "/host.json", atomically: true, encoding: .utf8)
      for output in [folder, folder + "/host.json"] {
        let result = try await site.sluice(["package", "--output", output])
        #expect(result.status == 2)
        #expect(result.errors.contains(output))
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["host.json"])
      #expect(try String(contentsOfFile: folder + "/host.json", encoding: .utf8) == "mine")
    }

    @Test("An empty or new folder is filled, however its path is spelled", arguments: [".", "new/", "a/b/../c"])
    func spellings(_ output: String) async throws {
      let site = try await Site()
      try FileManager.default.createDirectory(atPath: site.app.file("empty"), withIntermediateDirectories: true)
      let result = try await run(
        "/usr/bin/env",
        [
          "-C", site.app.file("empty"), SluiceProcess.binary, "package", "--output", output, "--routes",
          site.app.file("function-routes.json"),
        ])
      #expect(result.status == 0, "\(result.errors)")
      let folder = URL(filePath: site.app.file("empty/\(output)")).standardizedFileURL.path
      #expect(site.hasFile("\(folder)/health/function.json"))
      let around = try FileManager.default.contentsOfDirectory(atPath: (folder as NSString).deletingLastPathComponent)
      #expect(!around.contains { $0.contains(".part-") })
    }

    @Test("A folder that cannot be written is an error in plain words")
    func notWritable() async throws {
      let site = try await Site()
      let result = try await site.sluice(["package", "--output", "/proc/nowhere/package"])
      #expect(result.status == 1)
      #expect(result.errors.contains("/proc/nowhere"))
      #expect(!result.errors.contains("NSCocoaErrorDomain"), "\(result.errors)")
    }

    /// What is not in the package: it must be of one build with the machine's loader.
    private static let cLibrary = [
      "libc.so", "libm.so", "libdl.so", "libpthread.so", "librt.so", "libresolv.so", "libutil.so",
    ]

    /// Root of a container may still not be allowed to mount.
    private static func mayIsolate() async throws -> Bool {
      guard geteuid() == 0 else { return false }
      return try await ChildProcess("/usr/bin/unshare", ["--mount", "/bin/true"]).end() == .exited(0)
    }

    @Test(
      "The package runs where there is nothing but the C library",
      .enabled("a root folder of its own needs root and the right to mount") { try await mayIsolate() })
    func isolated() async throws {
      let made = try await Made()
      let site = try await Site()
      let root = site.app.file("root")
      let loader = try await runChecked(
        "/bin/sh", ["-c", "readelf -l '\(made.folder)/sluice' | sed -n 's/.*interpreter: \\(.*\\)]/\\1/p'"]
      ).trimmingCharacters(in: .newlines)
      try #require(loader.hasPrefix("/lib"))
      // The C library's files, as the loader finds them for the packaged program, and the loader itself.
      let found = try await runChecked(
        "/bin/sh", ["-c", "ldd '\(made.folder)/sluice' | awk '$2 == \"=>\" {print $3}'"])
      let needed = found.split(separator: "\n").map(String.init).filter { path in
        Self.cLibrary.contains { (path as NSString).lastPathComponent.hasPrefix($0) }
      }
      #expect(needed.contains { $0.hasSuffix("/libc.so.6") })
      for file in needed + [loader] {
        let target = root + file
        try FileManager.default.createDirectory(
          atPath: (target as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try await runChecked("/bin/cp", ["-L", file, target])
      }
      try FileManager.default.createDirectory(atPath: root + "/lake", withIntermediateDirectories: true)
      try await runChecked("/bin/cp", ["-a", made.folder, root + "/app"])
      for folder in ["/proc", "/dev"] {
        try FileManager.default.createDirectory(atPath: root + folder, withIntermediateDirectories: true)
      }

      func inside(_ arguments: [String]) async throws -> CommandResult {
        let variables = site.environment.merging([
          "LAKE_URL": "file:///lake", "BACKUP_TIMEZONE": "Europe/Berlin",
        ]) { $1 }
        return try await run(
          "/usr/bin/env",
          ["-i"] + variables.map { "\($0.key)=\($0.value)" } + [
            // What every container has as well: Swift's runtime asks /proc for its arguments and threads, /dev for chance.
            "/usr/bin/unshare", "--mount", "/bin/sh", "-c",
            "cd '\(root)' && mount --rbind /proc proc && mount --rbind /dev dev && "
              + "exec /usr/sbin/chroot . /app/sluice \"$@\"",
            "sluice",
          ] + arguments)
      }
      #expect(try await inside(["version"]).output == "sluice \(Program.version)\n")
      try await site.makeClicks(0)
      // A day of Berlin has 23 hours when summer begins.
      try await site.sql(
        """
        INSERT INTO events.clicks
        SELECT n, '2024-03-31 00:30:00+01'::timestamptz + n * interval '1 hour' FROM generate_series(-1, 23) n
        """)
      let backup = try await inside(["backup", "--table", "events.clicks", "--date", "2024-03-31", "--json"])
      #expect(backup.status == 0, "\(backup.output)\(backup.errors)")
      #expect(try JSONValue(backup.output)["results"][0]["rows"].number == 23)
      try await site.sql("DELETE FROM events.clicks WHERE id BETWEEN 0 AND 22")
      let restore = try await inside(["restore", "--table", "events.clicks", "--date", "2024-03-31"])
      #expect(restore.status == 0, "\(restore.errors)")
      #expect(try await site.count() == 25)
    }
  }
}
