package import Database
package import Foundation
package import Lake
import Postgres
import Reporting

/// What every job works with: the database server, the lake, admission, a clock. What a job is told to do by the settings, it
/// gets as its own options.
package struct JobContext: Sendable {
  /// The database server of the settings.
  package var server: DatabaseServer
  /// Sessions at databases.
  package var sessions: DatabaseSessions
  /// Where archives live.
  package var lake: any LakeStore
  /// How many table-days are worked on at a time.
  package let admission: Admission
  /// The present instant; tests set it.
  package var now: @Sendable () -> Date

  /// Made once at the start of the program.
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
