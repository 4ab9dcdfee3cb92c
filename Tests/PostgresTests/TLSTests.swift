import Foundation
import TestSupport
import Testing

@testable import Postgres

@Suite("PostgreSQL: TLS") struct TLSTests {
  @Test("Data travels under TLS to the last byte")
  func dataTravelsUnderTLSToTheLastByte() async throws {
    let folder = try TemporaryDirectory("tls")
    let server = try await PostgresServer.withCertificate(in: folder)
    defer { server.stop() }
    var target = server.target()
    target.sslMode = .require
    let connection = try await PostgresConnection.connect(to: target, password: nil)
    let isEncrypted = try await connection.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").rows[0]
    #expect(try isEncrypted.decode("ssl", as: Bool.self))
    // Rows larger than a TLS record, and than libpq's buffer: their ends lie anywhere in a record.
    for length in [1, 8_000, 16_384, 20_001, 70_000] {
      let copy = try await connection.copyOut(
        "COPY (SELECT repeat('x', \(length)) FROM generate_series(1, 40)) TO STDOUT", chunkBytes: 100_000)
      var bytes = 0
      while let chunk = try await copy.next() { bytes += chunk.bytes.count }
      #expect(bytes == 40 * (length + 1))
      let text = try await connection.query("SELECT repeat('y', \(length)) AS t").rows[0].decode("t", as: String.self)
      #expect(text.utf8.count == length)
    }
    try await connection.query("CREATE TEMPORARY TABLE t (s text)")
    let copy = try await connection.copyIn("COPY t FROM STDIN")
    for _ in 0..<50 { try await copy.write(Array(repeating: UInt8(ascii: "z"), count: 100_000) + [UInt8(ascii: "\n")]) }
    #expect(try await copy.finish() == 50)
    await connection.close()
  }

  @Test("verify-full trusts the given root and name only")
  func verifyFullTrustsOnlyTheGivenRootAndName() async throws {
    let folder = try TemporaryDirectory("tls")
    let server = try await PostgresServer.withCertificate(in: folder)
    defer { server.stop() }
    var target = server.target()
    target.sslMode = .verifyFull
    target.rootCertificateFile = folder.file("certificate")
    // The certificate names localhost, not an address.
    let error = await #expect(throws: PostgresError.self) {
      try await PostgresConnection.connect(to: target, password: nil)
    }
    #expect(error.map { "\($0)".contains("does not match host name") } == true, "\(error as Any)")
    target.host = "localhost"
    let connection = try await PostgresConnection.connect(to: target, password: nil)
    #expect(try await connection.query("SELECT 1").rows.count == 1)
    await connection.close()

    let other = try TemporaryDirectory("tls")
    let another = try await PostgresServer.withCertificate(in: other)
    defer { another.stop() }
    target.rootCertificateFile = other.file("certificate")
    let distrust = await #expect(throws: PostgresError.self) {
      try await PostgresConnection.connect(to: target, password: nil)
    }
    #expect(distrust.map { "\($0)".contains("certificate verify failed") } == true, "\(distrust as Any)")
  }
}
