import Testing

@testable import Lake

@Suite("Which file a request may name")
struct LakeReachTests {
  private static let account = "abfss://files@acct.dfs.core.windows.net/base"

  /// The path in the configured lake, or the other lake and the path in it.
  private func reach(_ file: String, from lake: String, allowing hosts: [String] = []) throws -> String {
    let reach = try LakeReach(
      of: LakeAddress(parsing: file), from: LakeAddress(parsing: lake), allowedHosts: hosts.compactMap { LakeHost($0) })
    return switch reach {
    case .configured(let path): "\(path)"
    case .elsewhere(let place, let path): "\(place.displayURL(of: nil)) \(path)"
    }
  }

  private func refusal(_ file: String, from lake: String, allowing hosts: [String] = []) -> String? {
    let error = #expect(throws: LakeReachError.self) { try reach(file, from: lake, allowing: hosts) }
    return error.map { "\($0)" }
  }

  @Test("A file of the configured account is found below its root, whatever the spelling of its URL")
  func configuredAccount() throws {
    for file in [
      "abfss://files@acct.dfs.core.windows.net/base/d/f", "https://acct.blob.core.windows.net/files/base/d/f",
      "https://acct.dfs.core.windows.net:443/files/%62ase/d/f",
    ] {
      #expect(try reach(file, from: Self.account) == "d/f")
    }
  }

  @Test(
    "Any other place on the configured lake's host is another lake",
    arguments: [
      ("abfss://other@acct.dfs.core.windows.net/base/f", "abfss://other@acct.dfs.core.windows.net base/f"),
      ("abfss://files@acct.dfs.core.windows.net/baseed/f", "abfss://files@acct.dfs.core.windows.net baseed/f"),
      ("abfss://files@acct.dfs.core.windows.net/base", "abfss://files@acct.dfs.core.windows.net base"),
    ])
  func sameHost(file: String, expected: String) throws {
    #expect(try reach(file, from: Self.account) == expected)
  }

  @Test("Two spellings of a letter in a folder's name are two folders")
  func spellings() throws {
    let composed = "abfss://files@acct.dfs.core.windows.net/%C3%A9"
    let decomposed = "abfss://files@acct.dfs.core.windows.net/e%CC%81/f"
    #expect(try reach(decomposed, from: composed) == "abfss://files@acct.dfs.core.windows.net e\u{301}/f")
  }

  @Test(
    "Another host is reached where the operator lists it with its port; without a port the usual one is meant",
    arguments: [
      ("https://good.dfs.core.windows.net/files/a", true), ("https://good.blob.core.windows.net/files/a", true),
      ("https://good.dfs.core.windows.net:8443/files/a", false),
      ("https://port.dfs.core.windows.net:8443/files/a", true),
      ("https://port.dfs.core.windows.net/files/a", false),
      ("abfss://files@acct.dfs.core.windows.net.evil.example/a", false), ("http://127.0.0.1:10000/acct/files/a", true),
      ("http://127.0.0.1:10001/acct/files/a", false), ("http://localhost:10000/acct/files/a", false),
      ("abfss://files@acct2.dfs.core.windows.net/a", false), ("abfss://files@xgood.dfs.core.windows.net/a", false),
    ])
  func allowedHosts(file: String, isAllowed: Bool) {
    let hosts = ["Good.blob.core.windows.net.", "port.dfs.core.windows.net:8443", "127.0.0.1:10000"]
    let path = try? reach(file, from: Self.account, allowing: hosts)
    #expect((path != nil) == isAllowed)
  }

  @Test("A refusal of a host names it with its port, and the setting that allows it")
  func refusedHost() {
    #expect(
      refusal("https://evil.dfs.core.windows.net:8443/files/a", from: Self.account)
        == "the host evil.dfs.core.windows.net:8443 is not allowed; the operator can add it to LAKE_ALLOWED_HOSTS")
    #expect(refusal("abfss://files@evil.dfs.core.windows.net", from: "file:///lake")?.contains("LAKE_ALLOWED") == true)
  }

  @Test("A URL that ends at the filesystem names no file")
  func noFile() {
    #expect(
      refusal("abfss://files@acct.dfs.core.windows.net", from: Self.account)
        == "expected a file's path after the filesystem")
  }

  @Test("A file is reached within the configured folder alone")
  func folders() throws {
    #expect(try reach("file:///lake/d/f", from: "file:///lake") == "d/f")
    #expect(try reach("file:///lake/../lake/f", from: "file:///lake/") == "f")
    for file in ["file:///lakes/f", "file:///lake", "file:///etc/f", "file:///lake/../f", "file:///lake/a%5Cb"] {
      #expect(refusal(file, from: "file:///lake") == "the file is not in the lake's folder, LAKE_URL")
    }
    #expect(refusal("file:///lake/f", from: Self.account) == "the lake is a storage account, not a folder")
  }

  @Test("A program whose lake is a folder asks no storage account, not even one of an allowed host")
  func folderAsksNobody() {
    #expect(
      refusal(Self.account + "/f", from: "file:///lake", allowing: ["acct.dfs.core.windows.net"])
        == "this lake is a folder; set LAKE_URL to a storage account")
  }

  @Test(
    "An entry of the list is a host with or without a port, and nothing else",
    arguments: [
      ("Acct.dfs.core.windows.net.", "acct.dfs.core.windows.net", nil), ("a:80", "a", 80), ("[::1]:1", "[::1]", 1),
      ("https://acct.dfs.core.windows.net", nil, nil), ("user@host", nil, nil), ("host/path", nil, nil), ("", nil, nil),
      ("host:", nil, nil), ("host:0", nil, nil),
    ] as [(String, String?, Int?)])
  func entries(text: String, name: String?, port: Int?) {
    #expect(LakeHost(text)?.name == name)
    #expect(LakeHost(text)?.port == port)
  }
}
