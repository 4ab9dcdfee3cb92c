import Foundation
import Glibc
import Postgres
import TestSupport

extension PostgresServer {
  /// Statements on the server whose text has `marker`, the asking one left out.
  func running(_ marker: String) async throws -> Int {
    let count = try await psql(
      "postgres",
      "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND query LIKE '%\(marker)%'"
    )
    return Int(count) ?? -1
  }
}

extension PostgresError {
  /// The server's SQLSTATE, where it gave one.
  var sqlState: String? {
    switch self {
    case .server(let error): error.sqlState
    case .connectFailed(_, _, let sqlState): sqlState
    default: nil
    }
  }
}

/// Listens on a loopback port and never accepts.
func silentListener() throws -> (port: Int, socket: Int32) {
  let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
  var length = socklen_t(MemoryLayout<sockaddr_in>.size)
  let bound = withUnsafeMutablePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(listener, $0, length) == 0 && listen(listener, 8) == 0 && getsockname(listener, $0, &length) == 0
    }
  }
  guard bound else { throw CommandFailure(description: "cannot listen") }
  return (Int(UInt16(bigEndian: address.sin_port)), listener)
}
