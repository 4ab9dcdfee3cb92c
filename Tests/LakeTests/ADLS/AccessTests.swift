import Foundation
import TestSupport
import Testing

@testable import Lake

@Suite("ADLS access")
struct AccessTests {
  static let key = Data("a key of the account".utf8).base64EncodedString()

  func location(_ url: String) throws -> ADLSLocation {
    try #require(try LakeAddress(parsing: url).lake as? ADLSLocation)
  }

  @Test("A key signs the protocol's string to sign by HMAC-SHA256, as openssl does")
  func signature() async throws {
    let parts = SignedParts(
      method: "PATCH", path: "/acct/files/a%20b",
      query: [("position", "0"), ("Action", "append"), ("timeout", "é")],
      fields: [
        ("x-ms-version", "2023-11-03"), ("Content-MD5", "abc=="), ("X-MS-Date", "Sat, 21 Nov 2026 12:09:48 GMT"),
        ("If-Match", "\"0x1\""), ("Range", "bytes=0-9"),
      ], bodyLength: 12)
    let text = """
      PATCH


      12
      abc==



      "0x1"


      bytes=0-9
      x-ms-date:Sat, 21 Nov 2026 12:09:48 GMT
      x-ms-version:2023-11-03
      /acct/acct/files/a%20b
      action:append
      position:0
      timeout:é
      """
    #expect(parts.text(account: "acct") == text)
    let key = try #require(SharedKey(account: "acct", base64: Self.key))
    let hex = try await runChecked(
      "/bin/sh", ["-c", "openssl dgst -sha256 -mac HMAC -macopt key:'a key of the account' -binary | base64 -w0"],
      input: text)
    #expect(key.authorization(for: parts) == "SharedKey acct:\(hex)")
  }

  @Test("A connection string serves its own account's endpoints, and no other place")
  func servedPlaces() throws {
    let string = try StorageConnectionString(
      parsing: "DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=\(Self.key);EndpointSuffix=core.windows.net")
    #expect(string.serves(try location("abfss://files@acct.dfs.core.windows.net/x")))
    #expect(string.serves(try location("https://acct.blob.core.windows.net/files")))
    #expect(!string.serves(try location("abfss://files@other.dfs.core.windows.net")))
    #expect(!string.serves(try location("abfss://files@acct.dfs.core.chinacloudapi.cn")))
    #expect(!string.serves(try location("http://127.0.0.1:10000/acct/files")))
    let emulator = try StorageConnectionString(
      parsing: "AccountName=acct;AccountKey=\(Self.key);BlobEndpoint=http://127.0.0.1:10000/acct")
    #expect(emulator.serves(try location("http://127.0.0.1:10000/acct/files")))
    #expect(!emulator.serves(try location("http://127.0.0.1:10001/acct/files")))
    #expect(!emulator.serves(try location("abfss://files@acct.dfs.core.windows.net/x")))
    let sas = try StorageConnectionString(
      parsing: "BlobEndpoint=https://acct.blob.core.windows.net/;SharedAccessSignature=sv=2023-11-03&sig=a%3D")
    #expect(sas.account == "acct" && sas.credential.kind == "SAS")
    #expect(sas.serves(try location("abfss://files@acct.dfs.core.windows.net")))
  }

  @Test(
    "A malformed connection string is refused without repeating it",
    arguments: [
      "hunter2", "AccountName=acct", "AccountKey=hunter2", "AccountName=acct;AccountKey=hunter2!",
      "AccountName=acct;SharedAccessSignature=hunter2", "=hunter2",
      "AccountName=acct;AccountKey=aGk=;BlobEndpoint=hunter2",
      "AccountName=acct;AccountKey=aGk=;BlobEndpoint=https://a b/",
    ])
  func malformed(text: String) {
    let error = #expect(throws: LakeError.self) { try StorageConnectionString(parsing: text) }
    #expect("\(error as Any)".contains("AccountName=…") && !"\(error as Any)".contains("hunter2"))
  }

  @Test("Keys and signatures never print themselves")
  func hidden() throws {
    let string = try StorageConnectionString(
      parsing: "AccountName=acct;AccountKey=\(Self.key);SharedAccessSignature=sig=hunter2")
    let signature = try #require(SharedAccessSignature("?sv=1&sig=hunter2"))
    var dumped = ""
    dump(string, to: &dumped)
    dump(signature, to: &dumped)
    for text in [
      "\(string)", String(reflecting: string), "\(signature)", "\(ADLSCredential.sharedAccessSignature(signature))",
      dumped,
    ] {
      #expect(!text.contains("hunter2") && !text.contains(Self.key), "\(text)")
    }
    #expect(dumped.contains("<secret>"))
  }
}
