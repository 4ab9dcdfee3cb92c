package import Database
package import Foundation
package import Lake
import Postgres
import Reporting

/// The resources that all jobs share: the database server, the lake, admission, a clock. The settings of one kind of
/// job are that job's options.
package struct JobContext: Sendable {
  package var server: DatabaseServer
  package var sessions: DatabaseSessions
  package var lake: any LakeStore
  package let admission: Admission
  /// The current instant; tests replace it.
  package var now: @Sendable () -> Date

  package init(
    server: DatabaseServer, sessions: DatabaseSessions, lake: any LakeStore, admission: Admission,
    now: @escaping @Sendable () -> Date = { Date() }
  ) {
    self.server = server
    self.sessions = sessions
    self.lake = lake
    self.admission = admission
    self.now = now
  }
}
