import Essentials
import Lake
import Reporting

extension Settings {
  /// `LAKE_…`: the lake of the archives; then the settings that each kind of lake declares.
  static let lake =
    [
      Setting(
        "LAKE_URL", form: "a URL of a lake (lake.md)", default: "`\(defaultLake)`",
        "the lake, such as `abfss://filesystem@account.dfs.core.windows.net/root` or `file:///folder`"
      ) { setting, text, settings in
        try settings.readLake(text, of: setting.name)
      },
      Setting(
        "LAKE_ALLOWED_HOSTS", form: "hosts such as account.dfs.core.windows.net, or host:port",
        "hosts that a restore's `adls_url` may name beside the host of `LAKE_URL`"
      ) { setting, text, settings in
        let hosts = SettingForm.list(of: SettingForm<String>.text).read(text) ?? []
        settings.lakeAllowedHosts = try hosts.map { host in
          guard let known = LakeHost(host.asciiLowercased()) else {
            throw JobError(
              .badSetting, "expected \(setting.form), got \(JSONValue.string(host).brief)", field: setting.name)
          }
          return known
        }
      },
      Setting(
        "LAKE_AUTH", SettingForm<LakeOptions.Authentication>.choice,
        default: "a token where an identity is set up, else the connection string",
        "whether the lake is accessed with a token or with the connection string", into: \.lakeOptions.authentication),
      Setting(
        "LAKE_CA_FILE", .pemFile, "root certificates that are trusted for the lake beside the system's",
        into: \.lakeOptions.rootsFile
      ),
      Setting(
        "LAKE_APPEND_BYTES", .integer(LakeOptions.appendBytesRange), "bytes of one append",
        into: \.lakeOptions.appendBytes),
      Setting(
        "LAKE_APPENDS_IN_FLIGHT", .integer(1...32), "concurrent appends to one file",
        into: \.lakeOptions.appendsInFlight),
      Setting(
        "LAKE_RETRY_SECONDS", .integer(0...3600),
        "seconds for which a failed request to the lake is retried, regardless of the number of attempts",
        into: \.lakeOptions.retrySeconds),
      Setting(
        "LAKE_STALL_SECONDS", .integer(1...3600),
        "seconds that a request to the lake may go without a byte in either direction", into: \.lakeOptions.stallSeconds
      ),
    ]
    + [olderAccount, olderFilesystem]
    + LakeProviders.settings.map { own in
      Setting(own.name, form: "a text", isSecret: own.isSecret, own.summary) { setting, text, settings in
        settings.lakeOptions.ownSettings[setting.name] = Secret(text)
      }
    }

  private mutating func readLake(_ url: String, of name: String) throws {
    do throws(LakeError) {
      (lakeAddress, createsLake) = try LakeAddress.withCreation(parsing: url)
    } catch {
      // The URL may hold a SAS or a password, so the error does not repeat it.
      throw JobError(.badSetting, "\(error)", field: name)
    }
  }

  /// Reads the lake as function apps of before name it, by an account and a filesystem.
  /// - Returns: whether both are set.
  mutating func readOlderLake(_ environment: [String: String]) throws -> Bool {
    let values = [Self.olderAccount, Self.olderFilesystem].map { ($0.name, environment[$0.name] ?? "") }
    let set = values.filter { !$0.1.isEmpty }
    if set.count == values.count {
      let (account, filesystem) = (set[0].1, set[1].1)
      try readLake(
        account.hasSuffix("/") ? account + filesystem : "\(account)/\(filesystem)",
        of: set.map(\.0).joined(separator: " and "))
      return true
    }
    if let (name, _) = set.first, let (missing, _) = values.first(where: { $0.1.isEmpty }) {
      warnings.append("\(name): it counts only together with \(missing), which is not set; set LAKE_URL")
    }
    return false
  }

  /// What function apps of before have in place of `LAKE_URL`; ``readOlderLake(_:)`` reads both together.
  private static let olderAccount = older(
    "ADLS_ACCOUNT_URL_DEFAULT", form: "a URL such as https://account.dfs.core.windows.net", "the account of the lake")
  private static let olderFilesystem = older("ADLS_FILESYSTEM_DEFAULT", form: "a text", "the filesystem of the lake")

  private static func older(_ name: String, form: String, _ purpose: String) -> Setting {
    Setting(
      name, form: form, isVariableOnly: true,
      "\(purpose) in older function apps; it counts where both of these are set and `LAKE_URL` is not"
    ) { _, _, _ in }
  }
}
