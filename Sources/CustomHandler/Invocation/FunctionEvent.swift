package import Foundation

/// What a timer or a queue hands to a function.
package enum FunctionEvent: Sendable, Equatable {
  /// The clock.
  case timer(TimerInfo)
  /// A message.
  case queue(QueueMessage)
}

/// What the host says about a timer's run.
package struct TimerInfo: Sendable, Equatable {
  /// The host's record of the schedule. A time is nil when there is none yet: the host writes year 1 then.
  package struct ScheduleStatus: Sendable, Equatable {
    /// The run before.
    package let last: Date?
    /// This run, not the following one.
    package let next: Date?
    /// When the record was written.
    package let lastUpdated: Date?

    package init(last: Date?, next: Date?, lastUpdated: Date?) {
      self.last = last
      self.next = next
      self.lastUpdated = lastUpdated
    }
  }

  /// Whether the run is late; possible only for the first run after a start of the host.
  package let isPastDue: Bool
  /// Nil when the host keeps no record, as for a schedule of more than once a minute.
  package let scheduleStatus: ScheduleStatus?

  package init(isPastDue: Bool = false, scheduleStatus: ScheduleStatus? = nil) {
    self.isPastDue = isPastDue
    self.scheduleStatus = scheduleStatus
  }
}

/// A queue message.
package struct QueueMessage: Sendable, Equatable {
  /// The text as its sender wrote it.
  package let text: String
  /// Which attempt this is, from 1; nil where a member of the message hides it.
  package let dequeueCount: Int?
  /// The queue's id of the message, the same in each attempt; nil where a member of the message hides it.
  package let id: String?
  /// When it was put on the queue, as the host writes it; nil where a member of the message hides it.
  package let insertionTime: String?

  package init(text: String, dequeueCount: Int? = nil, id: String? = nil, insertionTime: String? = nil) {
    self.text = text
    self.dequeueCount = dequeueCount
    self.id = id
    self.insertionTime = insertionTime
  }
}
