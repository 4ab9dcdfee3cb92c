import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// The examples of docs/deploy.md, as they stand there: in a shell, with stand-ins for what needs Azure, Docker or an hour of building.
  @Suite("The examples of docs/deploy.md")
  struct DeployExamples {
    /// The commands of the document's console blocks, with their continuation lines.
    private static func commands() throws -> [String] {
      var commands: [String] = []
      var isConsole = false
      var goesOn = false
      for line in try Repository.text("docs/deploy.md").split(separator: "\n", omittingEmptySubsequences: false) {
        let text = line.trimmingPrefix(while: { $0 == " " })
        if text.hasPrefix("```") {
          isConsole = text == "```console"
        } else if isConsole, goesOn {
          commands[commands.count - 1] += "\n" + text
        } else if isConsole, text.hasPrefix("$ ") {
          commands.append(String(text.dropFirst(2)))
        }
        goesOn = isConsole && text.hasSuffix("\\")
      }
      return commands
    }

    /// A folder with the stand-ins, each a shell script. They fail on what the real ones would not take.
    private static func standIns(_ site: Site) throws -> String {
      let folder = site.app.file("bin")
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let scripts = [
        "make": "[ \"$1\" = package ] && mkdir -p dist && '\(SluiceProcess.binary)' package --output dist/app",
        "az": """
        case "$*" in
          *config-zip*) unzip -Z1 "${@: -1}" | grep -qx sluice && unzip -Zs "${@: -1}" | grep -q '^-rwx.* sluice$' ;;
          "functionapp create "*"--functions-version 4"*) ;;
          "functionapp config appsettings set "*) ;;
          *) echo "az: no such command: $*" >&2; exit 2 ;;
        esac
        """,
        "docker": """
        if [ "$1" = build ]; then
          case "$*" in *"--target "*) grep -q "AS $(echo "$*" | sed 's/.*--target \\([a-z]*\\).*/\\1/')" Dockerfile ;; esac
          exit
        fi
        while [ "$1" != sluice-alone ]; do shift; [ $# -gt 0 ] || exit 2; done
        shift
        [ $# -eq 0 ] || exec '\(SluiceProcess.binary)' "$@"
        """,
      ]
      for (name, script) in scripts {
        let path = "\(folder)/\(name)"
        try "#!/bin/bash\n\(script)\n".write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
      }
      return folder
    }

    @Test("Each works as pasted")
    func examples() async throws {
      let site = try await Site()
      try await site.server.psql(
        site.database,
        "CREATE SCHEMA IF NOT EXISTS events; CREATE TABLE events.bannerclicked (id int, received_at timestamptz) PARTITION BY RANGE (received_at); "
          + "CREATE TABLE events.b1 PARTITION OF events.bannerclicked DEFAULT; INSERT INTO events.bannerclicked VALUES (1, '2024-01-01 10:00Z')"
      )
      let standIns = try Self.standIns(site)
      try Repository.text("Dockerfile").write(toFile: site.app.file("Dockerfile"), atomically: true, encoding: .utf8)
      let commands = try Self.commands()
      #expect(commands.count >= 8)
      for command in commands {
        let settings = site.environment.map { "\($0.key)=\($0.value)" }
        let result = try await run(
          "/usr/bin/env",
          ["-C", site.app.path, "PATH=\(standIns):/usr/bin:/bin"] + settings + ["bash", "-c", command])
        #expect(result.status == 0, "\(command)\n\(result.output)\(result.errors)")
      }
      #expect(FileManager.default.isExecutableFile(atPath: site.app.file("dist/app/sluice")))
    }

    @Test("The statements for the role can be pasted")
    func role() async throws {
      let text = try Repository.text("docs/deploy.md")
      let start = try #require(text.firstRange(of: "```sql\n"))
      let end = try #require(text[start.upperBound...].firstRange(of: "```"))
      let site = try await Site()
      try await site.server.psql(site.database, "CREATE SCHEMA IF NOT EXISTS events")
      // A role belongs to the whole server: what other tests may have made is rolled back.
      try await site.server.psql(
        site.database,
        "BEGIN; \(text[start.upperBound..<end.lowerBound].replacing("sluice", with: "sluice_pasted")); ROLLBACK;")
    }
  }
}
