public import Foundation

/// What a timer or a queue hands to a function.
public enum FunctionEvent: Sendable, Equatable {
  /// The clock.
  case timer(TimerInfo)
  /// A message.
  case queue(QueueMessage)
}

/// What the host says about a timer's run.
public struct TimerInfo: Sendable, Equatable {
  /// The host's record of the schedule. A time is nil when there is none yet: the host writes year 1 then.
  public struct ScheduleStatus: Sendable, Equatable {
    /// The run before.
    public let last: Date?
    /// This run, not the following one.
    public let next: Date?
    /// When the record was written.
    public let lastUpdated: Date?

    /// A record.
    public init(last: Date?, next: Date?, lastUpdated: Date?) {
      self.last = last
      self.next = next
      self.lastUpdated = lastUpdated
    }
  }

  /// Whether the run is late; possible only for the first run after a start of the host.
  public let isPastDue: Bool
  /// Nil when the host keeps no record, as for a schedule of more than once a minute.
  public let scheduleStatus: ScheduleStatus?

  /// A timer's run.
  public init(isPastDue: Bool = false, scheduleStatus: ScheduleStatus? = nil) {
    self.isPastDue = isPastDue
    self.scheduleStatus = scheduleStatus
  }
}

/// A queue message.
public struct QueueMessage: Sendable, Equatable {
  /// The text as its sender wrote it.
  public let text: String
  /// Which attempt this is, from 1. A JSON message with a member of that name overrides it, so it is a hint and no proof.
  public let dequeueCount: Int?

  /// A message.
  public init(text: String, dequeueCount: Int? = nil) {
    self.text = text
    self.dequeueCount = dequeueCount
  }
}
