import Testing

@testable import Lake

@Suite("The address of a lake, or of a file in one")
struct LakeAddressTests {
  private func adls(_ text: String) throws -> ADLSLocation? { try LakeAddress(parsing: text).lake as? ADLSLocation }

  private static let account = ADLSLocation(
    host: "acct1.dfs.core.windows.net", port: 443, usesTLS: true, account: "acct1", accountIsInPath: false,
    filesystem: "data", root: nil)

  @Test(
    "Every form of an account's URL is the same address",
    arguments: [
      "abfss://data@acct1.dfs.core.windows.net/a/b", "abfs://data@acct1.dfs.core.windows.net/a/b",
      "https://acct1.dfs.core.windows.net/data/a/b", "https://acct1.blob.core.windows.net/data/a/b",
      "https://acct1.dfs.core.windows.net/data/a/b/", "HTTPS://ACCT1.DFS.Core.Windows.NET/data/a/b",
      "https://acct1.dfs.core.windows.net./data/a/b", "https://acct1.dfs.core.windows.net:443/data/a/b",
      "abfss://data@acct1.blob.core.windows.net/a/b", "https://acct1.dfs.core.windows.net/data/%61/b",
    ])
  func accountForms(text: String) throws {
    let address = try LakeAddress(parsing: text)
    #expect(address == LakeAddress(lake: Self.account, path: at("a/b")))
    #expect(address.displayURL == "abfss://data@acct1.dfs.core.windows.net/a/b")
    #expect(try LakeAddress(parsing: address.displayURL) == address)
  }

  @Test(
    "A lake may be a whole filesystem",
    arguments: ["abfss://data@acct1.dfs.core.windows.net", "https://acct1.dfs.core.windows.net/data/"])
  func wholeFilesystem(text: String) throws {
    let address = try LakeAddress(parsing: text)
    #expect(address.path == nil)
    #expect(address.displayURL == "abfss://data@acct1.dfs.core.windows.net")
  }

  @Test("A folder's URL may ask for the folder to be made; no other URL may, and no other query is known")
  func creation() throws {
    for (text, creates) in [("", false), ("?create=true", true), ("?create=false", false)] {
      let read = try LakeAddress.withCreation(parsing: "file:///srv/lake" + text)
      #expect(read.address == LakeAddress(lake: FolderPlace(path: "/srv/lake"), path: nil))
      #expect(read.creates == creates)
    }
    for text in [
      "file:///a?create=yes", "file:///a?create=true&x=1", "file:///a?",
      "abfss://data@acct1.dfs.core.windows.net?create=true",
      "file:///a?create=true?create=true",
    ] {
      #expect(throws: LakeError.self, "\(text)") { try LakeAddress.withCreation(parsing: text) }
    }
    #expect(throws: LakeError.self) { try LakeAddress(parsing: "file:///a?create=true") }
  }

  @Test("Hosts with a zone, of another cloud or with a port are kept")
  func unusualHosts() throws {
    #expect(try adls("https://acct1.z12.blob.storage.azure.net/data")?.host == "acct1.z12.dfs.storage.azure.net")
    #expect(try adls("abfss://$web@acct1.dfs.core.chinacloudapi.cn/x")?.filesystem == "$web")
    #expect(try adls("https://acct1.dfs.core.windows.net:8443/data")?.port == 8443)
  }

  @Test(
    "An emulator on loopback may be spoken to without TLS",
    arguments: ["127.0.0.1", "127.8.9.10", "localhost", "LOCALHOST.", "[::1]"])
  func plainEmulator(host: String) throws {
    let address = try LakeAddress(parsing: "http://\(host):10000/devacct/data/root")
    let location = try #require(address.lake as? ADLSLocation)
    #expect(!location.usesTLS)
    #expect(location.port == 10_000)
    #expect(location.account == "devacct")
    #expect(location.accountIsInPath)
    #expect(location.filesystem == "data")
    #expect(address.path == at("root"))
    #expect(try LakeAddress(parsing: address.displayURL) == address)
  }

  @Test("An emulator may speak TLS")
  func emulatorWithTLS() throws {
    let location = try #require(try adls("https://127.0.0.1:8443/devacct/data"))
    #expect(location.usesTLS && location.accountIsInPath)
    #expect(location.displayURL == "https://127.0.0.1:8443/devacct/data")
  }

  @Test(
    "http to any host but loopback is refused",
    arguments: [
      "http://acct1.dfs.core.windows.net/data", "http://127.0.0.1.example.com/devacct/data",
      "http://127.1/devacct/data", "http://0x7f.0.0.1/devacct/data", "http://127.0.0.01/devacct/data",
      "http://128.0.0.1/devacct/data", "http://10.0.0.5:10000/devacct/data", "http://localhost.example/devacct/data",
      "http://[::2]/devacct/data",
    ])
  func plainHTTP(text: String) {
    #expect(reason(text) != nil)
  }

  @Test("A path is decoded segment by segment, and encoded again when it is shown")
  func decodedPath() throws {
    let address = try LakeAddress(parsing: "abfss://data@acct1.dfs.core.windows.net/a%20b/c+d/%C3%A9")
    #expect(address.path?.components == ["a b", "c+d", "é"])
    #expect(
      try LakeAddress(parsing: "abfss://data@acct1.dfs.core.windows.net/a%20b/%25").displayURL
        == "abfss://data@acct1.dfs.core.windows.net/a%20b/%25")
  }

  @Test(
    "A path that hides a slash, a dot segment, a control character or broken text is refused",
    arguments: ["%2F", "a%2Fb", "%2e%2e", "..", "%00", "%5C", "a//b", "%zz", "%4", "%ff"])
  func hiddenInPath(root: String) {
    #expect(reason("abfss://data@acct1.dfs.core.windows.net/x/\(root)") != nil)
    #expect(reason("https://acct1.dfs.core.windows.net/data/\(root)/x") != nil)
  }

  @Test(
    "Anything else is refused with the forms that are known",
    arguments: [
      "", "lake", "/lake", "ftp://host/x", "s3://bucket/x", "abfss://acct1.dfs.core.windows.net/x",
      "abfss://a@b@acct1.dfs.core.windows.net/x", "abfss://data@/x", "abfss://data@127.0.0.1/x",
      "abfss://data@dfs.example.com/x",
      "abfss://Data@acct1.dfs.core.windows.net/x", "abfss://da@acct1.dfs.core.windows.net/x",
      "abfss://da--ta@acct1.dfs.core.windows.net/x", "abfss://data-@acct1.dfs.core.windows.net/x",
      "https://acct1.dfs.core.windows.net", "https://acct1.dfs.core.windows.net/", "https://example.com/data",
      "https://acct1.dfs/data", "https://acct1.table.core.windows.net/data", "https://ac_ct.dfs.core.windows.net/data",
      "https://acct1.dfs.core.windows.net:0/data", "https://acct1.dfs.core.windows.net:70000/data",
      "https://acct1.dfs.core.windows.net:/data", "https://acct1.dfs.core.windows.net:1:2/data",
      "https://acct1..dfs.core.windows.net/data", "https://acct1.dfs.core.windows.net../data", "https:///data",
      "http://127.0.0.1:10000/devacct", "http://127.0.0.1:10000",
      "https://acct1.dfs.core.windows.net\\@evil.example/data",
      "https://acct1.dfs.core.windows.net/data/a b", "https://acct1.dfs.core.windows.net/data#x",
    ])
  func refused(text: String) {
    #expect(reason(text)?.contains(LakeProviders.expectedForms) == true)
  }

  @Test(
    "A refusal repeats no secret",
    arguments: [
      "https://user:SECRET@acct1.dfs.core.windows.net/data", "https://user:SECRET/x@acct1.dfs.core.windows.net/data",
      "https://acct1.dfs.core.windows.net/data?sv=1&sig=SECRET", "abfss://data@acct1.dfs.core.windows.net/x?sig=SECRET",
      "abfss://data:SECRET@acct1.dfs.core.windows.net/x", "https://acct1.dfs.core.windows.net/data?\u{301}sig=SECRET",
      "file:///lake?sig=SECRET", "SECRET://host/x", "https://SECRET.example.com/data", "file://SECRET/x",
      "https://acct1.dfs.core.windows.net/data/%zzSECRET", "https://acct1.dfs.core.windows.net/data/SECRET\\x",
      "http://127.0.0.1:SECRET/devacct/data", "AccountKey=SECRET", "https://acct1.dfs.core.windows.net/data/../SECRET",
    ])
  func noSecret(text: String) throws {
    let message = try #require(reason(text))
    #expect(!message.contains("SECRET") && !message.lowercased().contains("secret."))
  }

  @Test(
    "A folder is made absolute",
    arguments: [
      ("file:///var/lake", "/var/lake"), ("file:///var/lake/", "/var/lake"), ("FILE:///var/a%20b", "/var/a b"),
      ("file://localhost/var/lake", "/var/lake"), ("file://./lake", "/home/x/lake"), ("file://./", "/home/x"),
      ("file://../lake", "/home/lake"), ("file:///var/./x/../lake", "/var/lake"),
    ])
  func absoluteFolder(text: String, path: String) throws {
    #expect(try LakeAddress(parsing: text, currentDirectory: "/home/x").lake as? FolderPlace == FolderPlace(path: path))
  }

  @Test(
    "A file URL that names no folder is refused",
    arguments: [
      "file://", "file:///", "file://lake", "file://host/lake", "file:///a%2Fb", "file:///a%00", "file://./../..",
    ])
  func noFolder(text: String) {
    #expect(throws: LakeError.self) { try LakeAddress(parsing: text, currentDirectory: "/x/y") }
  }

  @Test("A folder is shown as a URL")
  func shownFolder() throws {
    let url = try LakeAddress(parsing: "file:///var/a%20b/%25")
    #expect(url.description == "file:///var/a%20b/%25")
    #expect(try LakeAddress(parsing: url.displayURL) == url)
  }

  private func reason(_ text: String) -> String? {
    do {
      _ = try LakeAddress(parsing: text)
      return nil
    } catch {
      #expect(error.code == "invalid_url")
      return error.description
    }
  }
}
