import Foundation
import TestSupport
import Testing

@testable import Jobs

@Suite("Hosts that the doctor looks up and connects to")
struct HostProbeTests {
  @Test(
    "An address is private or public",
    arguments: [
      ("10.1.2.3", true), ("172.16.0.1", true), ("172.32.0.1", false), ("192.168.0.9", true), ("127.0.0.1", true),
      ("169.254.1.1", true), ("20.50.1.1", false), ("::1", true), ("fd00::1", true), ("fe80::1", true),
      ("2603:1020::1", false), ("::ffff:10.0.0.1", true), ("::ffff:20.0.0.1", false),
    ])
  func privacy(_ address: String, _ isPrivate: Bool) {
    #expect(HostProbe.isPrivate(address) == isPrivate)
  }

  @Test("A name that is not known, a port that is closed, one that is open, and a socket directory")
  func probes() async throws {
    let server = try await SetupSite.serverTask.value
    let open = await HostProbe.checks(.networkDatabase, .init(name: "127.0.0.1", port: server.port))
    #expect(open.map(\.status) == [.ok] && open[0].text.contains("127.0.0.1 (private)"))
    // Port 1 of this machine is closed.
    let closed = await HostProbe.checks(.networkDatabase, .init(name: "127.0.0.1", port: 1))
    #expect(closed.map(\.status) == [.failed] && closed[0].text.contains("Connection refused"))
    let unknown = await HostProbe.checks(.networkLake, .init(name: "no-such-host.invalid", port: 443))
    #expect(unknown.map(\.status) == [.failed] && unknown[0].topic == .networkLake)
    let folder = await HostProbe.checks(.networkDatabase, .init(name: server.socketDirectory, port: server.port))
    #expect(folder.map(\.status) == [.ok])
  }

  @Test("A clock that differs by seconds is a warning, by minutes a failure")
  func skew() async throws {
    let site = try await DoctorSite()
    for (seconds, status) in [(0.0, DoctorCheck.Status.ok), (-60, .warning), (60, .warning), (900, .failed)] {
      let job = DoctorJob(
        site.job().server, site.pools, site.scope, lake: { throw CancellationError() },
        now: { Date().addingTimeInterval(seconds) })
      let checks = try await job.run([.clock]).checks
      #expect(checks.map(\.topic) == [.clockDatabase, .clockLake])
      #expect(checks.map(\.status) == [status, .skipped], "\(checks.map(\.text))")
      if seconds == 60 { #expect(checks[0].text.contains("ahead of the database server's")) }
    }
  }
}
