import Testing

@testable import Postgres

@Suite("The states of a connection pool") struct PoolStateMachineTests {
  let start = ContinuousClock.now

  func machine(maximum: Int = 2) -> PoolStateMachine {
    var configuration = PoolStateMachine.Configuration()
    configuration.maximum = maximum
    configuration.waitLimit = .seconds(10)
    configuration.idleLimit = .seconds(60)
    configuration.ageLimit = .seconds(600)
    return PoolStateMachine(configuration: configuration)
  }

  func after(_ seconds: Int) -> PoolStateMachine.Instant { start.advanced(by: .seconds(seconds)) }

  @Test("The first caller gets a new connection")
  func firstCallerGetsANewConnection() {
    var pool = machine()
    #expect(pool.request(waiter: 1, now: start) == [.open])
    #expect(pool.opened(connection: 7, now: start) == [.lease(connection: 7, waiter: 1)])
  }

  @Test("No more connections than the maximum are opened")
  func noMoreThanTheMaximumIsOpened() {
    var pool = machine(maximum: 2)
    #expect(pool.request(waiter: 1, now: start) == [.open])
    #expect(pool.request(waiter: 2, now: start) == [.open])
    #expect(pool.request(waiter: 3, now: start) == [])
    #expect(pool.count == 2)
  }

  @Test("Waiters are served in order")
  func waitersAreServedInOrder() {
    var pool = machine(maximum: 1)
    _ = pool.request(waiter: 1, now: start)
    _ = pool.request(waiter: 2, now: start)
    _ = pool.request(waiter: 3, now: start)
    #expect(pool.opened(connection: 7, now: start) == [.lease(connection: 7, waiter: 1)])
    #expect(pool.released(connection: 7, reusable: true, now: start) == [.lease(connection: 7, waiter: 2)])
    #expect(pool.released(connection: 7, reusable: true, now: start) == [.lease(connection: 7, waiter: 3)])
    #expect(pool.released(connection: 7, reusable: true, now: start) == [])
  }

  @Test("A broken connection is replaced for the next waiter")
  func aBrokenConnectionIsReplacedForTheNextWaiter() {
    var pool = machine(maximum: 1)
    _ = pool.request(waiter: 1, now: start)
    _ = pool.opened(connection: 7, now: start)
    _ = pool.request(waiter: 2, now: start)
    #expect(pool.released(connection: 7, reusable: false, now: start) == [.close(connection: 7), .open])
    #expect(pool.opened(connection: 8, now: start) == [.lease(connection: 8, waiter: 2)])
  }

  @Test("A connection that cannot be opened fails one waiter and is tried anew for the next")
  func aFailedOpeningIsHeardByOneWaiterAndTriedAnewForTheNext() {
    var pool = machine(maximum: 1)
    _ = pool.request(waiter: 1, now: start)
    _ = pool.request(waiter: 2, now: start)
    #expect(pool.openFailed() == [.refuse(waiter: 1, .openFailed), .open])
    #expect(pool.openFailed() == [.refuse(waiter: 2, .openFailed)])
    #expect(pool.count == 0)
  }

  @Test("A waiter is refused at its deadline and not before")
  func aWaiterIsRefusedAtItsDeadlineAndNotBefore() {
    var pool = machine(maximum: 1)
    _ = pool.request(waiter: 1, now: start)
    _ = pool.opened(connection: 7, now: start)
    _ = pool.request(waiter: 2, now: after(1))
    #expect(pool.nextDeadline == after(11))
    #expect(pool.tick(now: after(10)) == [])
    #expect(pool.tick(now: after(11)) == [.refuse(waiter: 2, .timeout)])
    #expect(pool.released(connection: 7, reusable: true, now: after(12)) == [])
  }

  @Test("A cancelled waiter gets no connection")
  func aCancelledWaiterDoesNotGetAConnection() {
    var pool = machine(maximum: 1)
    _ = pool.request(waiter: 1, now: start)
    #expect(pool.cancelled(waiter: 1) == [.refuse(waiter: 1, .cancelled)])
    #expect(pool.cancelled(waiter: 1) == [])
    #expect(pool.opened(connection: 7, now: start) == [])
    #expect(pool.request(waiter: 2, now: start) == [.lease(connection: 7, waiter: 2)])
  }

  @Test("An idle connection is closed after the idle limit")
  func anIdleConnectionIsClosedAfterTheIdleLimit() {
    var pool = machine()
    _ = pool.request(waiter: 1, now: start)
    _ = pool.opened(connection: 7, now: start)
    _ = pool.released(connection: 7, reusable: true, now: after(5))
    #expect(pool.nextDeadline == after(65))
    #expect(pool.tick(now: after(64)) == [])
    #expect(pool.tick(now: after(65)) == [.close(connection: 7)])
    #expect(pool.request(waiter: 2, now: after(66)) == [.open])
  }

  @Test("A connection beyond the age limit is not used again")
  func anOldConnectionIsNotUsedAgain() {
    var pool = machine()
    _ = pool.request(waiter: 1, now: start)
    _ = pool.opened(connection: 7, now: start)
    #expect(pool.released(connection: 7, reusable: true, now: after(600)) == [.close(connection: 7)])
  }

  @Test("The connection that was used last is taken first")
  func theLastUsedConnectionIsTakenFirst() {
    var pool = machine()
    _ = pool.request(waiter: 1, now: start)
    _ = pool.request(waiter: 2, now: start)
    _ = pool.opened(connection: 7, now: start)
    _ = pool.opened(connection: 8, now: start)
    _ = pool.released(connection: 7, reusable: true, now: start)
    _ = pool.released(connection: 8, reusable: true, now: start)
    #expect(pool.request(waiter: 3, now: start) == [.lease(connection: 8, waiter: 3)])
  }

  @Test("A closed pool refuses callers and closes what comes back")
  func aClosedPoolRefusesAndClosesWhatComesBack() {
    var pool = machine(maximum: 2)
    _ = pool.request(waiter: 1, now: start)
    _ = pool.opened(connection: 7, now: start)
    _ = pool.request(waiter: 2, now: start)
    #expect(pool.close() == [.refuse(waiter: 2, .closed)])
    #expect(pool.opened(connection: 8, now: start) == [.close(connection: 8)])
    #expect(pool.released(connection: 7, reusable: true, now: start) == [.close(connection: 7)])
    #expect(pool.request(waiter: 3, now: start) == [.refuse(waiter: 3, .closed)])
  }
}
