import Configuration
import Foundation
import TestSupport
import Testing

@testable import Jobs

@Suite("The documents of the settings")
struct SettingsDocumentTests {
  @Test("The table of docs/configuration.md is made of the declarations")
  func table() throws {
    let rows = Setting.all.map { setting in
      let name = setting.names.map { "`\($0)`" }.joined(separator: ", or ")
      let form =
        setting.form + (setting.isSecret ? " (a secret)" : "") + (setting.isVariableOnly ? " (a variable only)" : "")
      return "| \(name) | \(form.replacing("|", with: "\\|")) | \(setting.defaultWords) | \(setting.purpose) |\n"
    }
    let wanted = "| name | form | default | what it is for |\n|---|---|---|---|\n" + rows.joined()
    #expect(try DocumentRegion("settings", in: "docs/configuration.md").content(updatingTo: wanted) == wanted)
  }

  @Test("The table of a table's options in docs/configuration.md is made of the declarations")
  func tableOptions() throws {
    let rows = TableOption.all.map { "| `\($0.name)` | \($0.form) | \($0.purpose) |\n" }
    let wanted = "| option | form | what it is for |\n|---|---|---|\n" + rows.joined()
    #expect(try DocumentRegion("table options", in: "docs/configuration.md").content(updatingTo: wanted) == wanted)
  }

  @Test("Each setting has a name of its own, a form, and one sentence without its full stop")
  func declarations() {
    let names = Setting.all.flatMap { $0.names }
    #expect(Set(names).count == names.count)
    for setting in Setting.all {
      #expect(!setting.form.isEmpty && !setting.purpose.isEmpty, "\(setting.name)")
      #expect(setting.purpose.last != "." && !setting.purpose.contains(". "), "\(setting.name)")
    }
  }

  @Test("The default that a declaration gives in words is the effective one")
  func defaults() throws {
    // A value that is set to its default changes nothing.
    let plain = try Settings(environment: [:])
    var compared = 0
    for setting in Setting.all {
      let text = setting.defaultWords.replacing("`", with: "")
      guard Int(text) != nil || ["file://./lake", "UTC"].contains(text) else { continue }
      var set = try Settings(environment: [setting.name: text])
      // Two time zones of one name need not describe themselves alike.
      #expect(set.backup.timeZone.identifier == plain.backup.timeZone.identifier, "\(setting.name)")
      set.backup.timeZone = plain.backup.timeZone
      #expect("\(set)" == "\(plain)", "\(setting.name)")
      compared += 1
    }
    #expect(compared > 10)
  }
}
