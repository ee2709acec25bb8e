// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control.store;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.control.Lease;
import dev.culvert.control.LeaseEvent;
import dev.culvert.control.LeaseStore;
import dev.culvert.control.LeaseStore.Result;
import dev.culvert.control.LeaseStoreException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DirectoryLeaseStoreTest extends LeaseStoreContract {
  private static final String BY_HAND =
      """
      subnet = 10.244.2.0/24
      vni = 1
      host = host-02
      address = 10.18.2.2
      mac = 02:00:0a:12:02:02
      """;

  /** Longer than an editor's rewrite is waited for, with room for a slow machine. */
  private static final int SILENCE_MS = 700;

  @TempDir Path temporary;

  private Path directory() {
    return temporary.resolve("leases");
  }

  @Override
  protected LeaseStore open() {
    return new DirectoryLeaseStore(directory());
  }

  private void write(String name, String text) throws IOException {
    Files.writeString(directory().resolve(name), text);
  }

  private List<String> files() throws IOException {
    try (var files = Files.list(directory())) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void eachLeaseIsOneFileThatPeopleCanRead() throws Exception {
    try (LeaseStore store = open()) {
      done(store.acquire(lease("10.244.1.0/24", 1, "host-01")));
      done(store.acquire(lease("10.244.1.0/24", 2, "host-01")));
      assertEquals(List.of(".lock", "10.244.1.0-24.lease", "10.244.1.0-24.vni-2.lease"), files());
      assertTrue(
          Files.readString(directory().resolve("10.244.1.0-24.lease"))
              .contains("subnet = 10.244.1.0/24\nvni = 1\nhost = host-01\n"));
    }
  }

  @Test
  void aFileByHandIsAPeerAndKeepsItsSubnet() throws Exception {
    try (LeaseStore store = open()) {
      BlockingQueue<LeaseEvent> events = new LinkedBlockingQueue<>();
      try (AutoCloseable _ = store.watch(events::add)) {
        assertInstanceOf(LeaseEvent.Snapshot.class, next(events));
        write("cellar.lease", BY_HAND);
        var announced = assertInstanceOf(LeaseEvent.Announced.class, next(events));
        assertEquals("host-02", announced.lease().host().text());
        assertTrue(announced.lease().expires().isEmpty());
        assertInstanceOf(
            Result.Conflict.class, store.acquire(lease("10.244.2.128/25", 1, "host-03")));

        Files.delete(directory().resolve("cellar.lease"));
        assertInstanceOf(LeaseEvent.Vanished.class, next(events));
        done(store.acquire(lease("10.244.2.128/25", 1, "host-03")));
      }
    }
  }

  /** Two agents that start together: the one's first look and the other's lease meet. */
  @Test
  void aLeaseThatIsWrittenWhileAWatchBeginsIsNotMissed() throws Exception {
    for (int round = 0; round < 40; round++) {
      Path folder = temporary.resolve("begin-" + round);
      BlockingQueue<LeaseEvent> events = new LinkedBlockingQueue<>();
      int delayUs = round * 50;
      try (LeaseStore watching = new DirectoryLeaseStore(folder)) {
        Thread other =
            Thread.ofPlatform()
                .start(() -> {
                  LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(delayUs));
                  try {
                    Files.writeString(folder.resolve("by-hand.lease"), BY_HAND);
                  } catch (IOException e) {
                    throw new UncheckedIOException(e);
                  }
                });
        try (AutoCloseable _ = watching.watch(events::add)) {
          other.join();
          LeaseEvent first = events.poll(3, TimeUnit.SECONDS);
          if (!(first instanceof LeaseEvent.Snapshot snapshot) || snapshot.leases().isEmpty()) {
            LeaseEvent second = events.poll(3, TimeUnit.SECONDS); // all is read again after 5
            assertInstanceOf(LeaseEvent.Announced.class, second, "round " + round);
          }
        }
      }
    }
  }

  @Test
  void aMalformedFileIsReportedAndTheOthersWork() throws Exception {
    try (LeaseStore store = open()) {
      write("a.lease", BY_HAND.substring(0, BY_HAND.indexOf("mac")));
      write("b.lease", BY_HAND);
      assertEquals(List.of("host-02"), store.list().stream().map(l -> l.host().text()).toList());
      assertEquals(
          List.of(
              "The lease file "
                  + directory().toRealPath().resolve("a.lease")
                  + " is malformed, line 4: the text ends without mac."
                  + " It counts for nothing until it is mended."),
          store.problems());

      Files.delete(directory().resolve("a.lease"));
      assertEquals(1, store.list().size());
      assertEquals(List.of(), store.problems());
    }
  }

  @Test
  void aFileThatBecomesMalformedKeepsItsLeaseUntilItIsMendedOrRemoved() throws Exception {
    try (LeaseStore store = open()) {
      BlockingQueue<LeaseEvent> events = new LinkedBlockingQueue<>();
      write("b.lease", BY_HAND);
      try (AutoCloseable _ = store.watch(events::add)) {
        assertInstanceOf(LeaseEvent.Snapshot.class, next(events));
        write("b.lease", BY_HAND.replace("10.18.2.2", "10.18.2"));
        assertNull(events.poll(SILENCE_MS, TimeUnit.MILLISECONDS));
        assertEquals(1, store.list().size());
        String problem = store.problems().getFirst();
        assertTrue(problem.contains("line 4: address: \"10.18.2\" is not an IP address."), problem);
        assertTrue(problem.contains("10.244.2.0/24 (VNI 1) of host-02, stays"), problem);

        write("b.lease", BY_HAND.replace("10.18.2.2", "10.18.2.9"));
        var announced = assertInstanceOf(LeaseEvent.Announced.class, next(events));
        assertEquals("10.18.2.9", announced.lease().vtep().address().getHostAddress());

        write("b.lease", "what?");
        assertNull(events.poll(SILENCE_MS, TimeUnit.MILLISECONDS));
        Files.delete(directory().resolve("b.lease"));
        assertInstanceOf(LeaseEvent.Vanished.class, next(events));
      }
    }
  }

  @Test
  void anEditorsWaysOfSavingWithdrawNothing() throws Exception {
    try (LeaseStore store = open()) {
      BlockingQueue<LeaseEvent> events = new LinkedBlockingQueue<>();
      Path file = directory().resolve("b.lease");
      write("b.lease", BY_HAND);
      try (AutoCloseable _ = store.watch(events::add)) {
        assertInstanceOf(LeaseEvent.Snapshot.class, next(events));
        // vim: the old file becomes a backup, a new one is written under its name.
        Files.move(file, directory().resolve("b.lease~"));
        Files.writeString(file, "");
        Files.writeString(file, BY_HAND);
        Files.delete(directory().resolve("b.lease~"));
        // nano: truncate, then write in pieces.
        Files.writeString(file, BY_HAND.substring(0, 30));
        Files.writeString(file, BY_HAND);
        assertNull(events.poll(SILENCE_MS, TimeUnit.MILLISECONDS));
      }
    }
  }

  @Test
  void anOlderGenerationByHandIsToldAsWithdrawnAndAnnounced() throws Exception {
    try (LeaseStore store = open()) {
      Lease lease = done(store.acquire(lease("10.244.2.0/24", 1, "host-05").withGeneration(9)));
      BlockingQueue<LeaseEvent> events = new LinkedBlockingQueue<>();
      try (AutoCloseable _ = store.watch(events::add)) {
        assertInstanceOf(LeaseEvent.Snapshot.class, next(events));
        write("10.244.2.0-24.lease", BY_HAND);
        var withdrawn = assertInstanceOf(LeaseEvent.Withdrawn.class, next(events));
        assertEquals(lease.generation(), withdrawn.generation());
        var announced = assertInstanceOf(LeaseEvent.Announced.class, next(events));
        assertEquals("host-02", announced.lease().host().text());
      }
    }
  }

  /** Without a generation it has the first, as the lease that it replaces. */
  @Test
  void aStaticLeaseByHandIsNotOverwrittenByARenewal() throws Exception {
    try (LeaseStore store = open()) {
      Lease own = done(store.acquire(lease("10.244.2.0/24", 1, "host-01")));
      assertEquals(1, own.generation());
      write("10.244.2.0-24.lease", BY_HAND);

      Result.Conflict conflict = assertInstanceOf(Result.Conflict.class, store.renew(own, own));
      assertEquals("host-02", conflict.current().host().text());
      store.release(own);
      assertEquals(BY_HAND, Files.readString(directory().resolve("10.244.2.0-24.lease")));
    }
  }

  @Test
  void whatIsReleasedRemembersItsGenerationUntilItIsClaimedAgain() throws Exception {
    try (LeaseStore store = open()) {
      Lease lease = done(store.acquire(lease("10.244.2.0/24", 1, "host-01").withGeneration(7)));
      store.release(lease);
      assertEquals(List.of(".10.244.2.0-24.vni-1.released", ".lock"), files());
      assertEquals(List.of(), store.list());
      assertEquals(8, done(store.acquire(lease("10.244.2.0/24", 1, "host-02"))).generation());
      assertEquals(List.of(".lock", "10.244.2.0-24.lease"), files());
    }
  }

  @Test
  void aFileThatWasRemovedByHandIsRememberedByWhoSawIt() throws Exception {
    try (LeaseStore store = open()) {
      done(store.acquire(lease("10.244.2.0/24", 1, "host-01").withGeneration(7)));
      Files.delete(directory().resolve("10.244.2.0-24.lease"));
      assertEquals(8, done(store.acquire(lease("10.244.2.0/24", 1, "host-02"))).generation());
    }
  }

  @Test
  void overlapsAndDoublesByHandAreReported() throws Exception {
    try (LeaseStore store = open()) {
      write("a.lease", BY_HAND);
      write("b.lease", BY_HAND.replace("host-02", "host-03"));
      write("c.lease", BY_HAND.replace("2.0/24", "2.64/26").replace("host-02", "host-04"));
      assertEquals(
          List.of("host-02", "host-04"), store.list().stream().map(l -> l.host().text()).toList());
      List<String> problems = store.problems();
      assertEquals(2, problems.size(), problems.toString());
      assertTrue(problems.get(0).contains("are both of 10.244.2.0/24 (VNI 1)"), problems.get(0));
      assertTrue(problems.get(1).contains("overlap"), problems.get(1));
    }
  }

  @Test
  void whatACrashLeftBehindIsNoLeaseAndIsCleanedUp() throws Exception {
    try (LeaseStore store = open()) {
      write(".tmp-dead", BY_HAND.substring(0, 40));
      assertEquals(List.of(), store.list());
      done(store.acquire(lease("10.244.2.0/24", 1, "host-01")));
      assertEquals(List.of(".lock", "10.244.2.0-24.lease"), files());
    }
  }

  @Test
  void aMalformedFileInTheWayIsNotOverwritten() throws Exception {
    try (LeaseStore store = open()) {
      write("10.244.2.0-24.lease", "a note to myself");
      var e =
          assertThrows(
              LeaseStoreException.class, () -> store.acquire(lease("10.244.2.0/24", 1, "host-01")));
      assertTrue(e.getMessage().endsWith("is in the way and holds no lease; mend or remove it."));
      assertEquals(
          "a note to myself", Files.readString(directory().resolve("10.244.2.0-24.lease")));
      assertEquals(List.of(".lock", "10.244.2.0-24.lease"), files());
    }
  }

  /** As Culvert named and wrote it when IPv6 had all its zeros. */
  @Test
  void aFileOfBeforeStaysTheOneFileOfItsLease() throws Exception {
    String former = "fd00_10_244_1_0_0_0_0-64.lease";
    try (LeaseStore store = open()) {
      write(
          former,
          """
          # Written by Culvert; see docs/lease-files.md.
          subnet = fd00:10:244:1:0:0:0:0/64
          vni = 1
          host = host-01
          address = fd00:17:0:0:0:0:0:2
          port = 4789
          mac = 02:00:0a:12:02:02
          generation = 3
          expires = 2126-11-24T10:00:00Z
          """);
      Lease held = store.list().getFirst();
      assertEquals("fd00:10:244:1::/64 (VNI 1)", held.subnet().toString());
      assertInstanceOf(
          Result.Conflict.class, store.acquire(lease("fd00:10:244:1::/64", 1, "host-02")));

      assertEquals(4, done(store.renew(held, held)).generation());
      assertEquals(List.of(".lock", former), files());
      assertEquals(List.of(), store.problems());
      String text = Files.readString(directory().resolve(former));
      assertTrue(text.contains("subnet = fd00:10:244:1::/64\n"), text);

      write(former, "half a lea"); // long enough for everybody to forget what it held
      try (LeaseStore other = open()) {
        Lease second = lease("fd00:10:244:1::/64", 1, "host-02");
        var e = assertThrows(LeaseStoreException.class, () -> other.acquire(second));
        assertTrue(e.getMessage().contains(former + " is in the way"), e.getMessage());
      }
      Files.delete(directory().resolve(former));
      assertEquals(List.of(), store.list());
    }
  }

  @Test
  void anUnmountedDirectoryIsAnOutageAndNotTheEndOfAllLeases() throws Exception {
    try (LeaseStore store = open()) {
      Lease lease = done(store.acquire(lease("10.244.2.0/24", 1, "host-01")));
      BlockingQueue<LeaseEvent> events = new LinkedBlockingQueue<>();
      try (AutoCloseable _ = store.watch(events::add)) {
        assertInstanceOf(LeaseEvent.Snapshot.class, next(events));
        Path mounted = temporary.resolve("elsewhere");
        Files.move(directory(), mounted);
        Files.createDirectory(directory());

        assertThrows(LeaseStoreException.class, store::list);
        var e = assertThrows(LeaseStoreException.class, () -> store.renew(lease, lease));
        assertTrue(e.getMessage().contains("has lost its mark .lock"), e.getMessage());
        assertNull(events.poll(SILENCE_MS, TimeUnit.MILLISECONDS));

        Files.delete(directory());
        Files.move(mounted, directory());
        Lease renewed = done(store.renew(lease, lease));
        // Found by looking: the kernel's notifications were of the other folder.
        var announced = assertInstanceOf(LeaseEvent.Announced.class, next(events));
        assertEquals(renewed, announced.lease());
      }
    }
  }

  @Test
  void itsTimeIsThatOfTheFileSystem() {
    try (LeaseStore store = open()) {
      Instant before = Instant.now().minusSeconds(1); // file systems round
      Instant time = store.time().orElseThrow();
      assertFalse(time.isBefore(before) || time.isAfter(Instant.now()), time.toString());
      assertEquals(List.of(), store.list());
    }
  }

  @Test
  void aFileInPlaceOfTheDirectoryIsAClearWord() throws Exception {
    Path file = Files.createFile(temporary.resolve("file"));
    var e = assertThrows(LeaseStoreException.class, () -> new DirectoryLeaseStore(file).list());
    assertTrue(
        e.getMessage().startsWith("The lease directory " + file + " cannot be opened: "),
        e.getMessage());
  }

  @Test
  void processesOfOneMachineRaceWithoutGettingASubnetTwice() throws Exception {
    long processes = 2;
    int each = 20;
    List<Process> running = new ArrayList<>();
    try {
      for (int i = 0; i < processes; i++) {
        running.add(claimant("host-" + i, each));
      }
      for (Process process : running) {
        assertTrue(process.waitFor(60, TimeUnit.SECONDS), "a claimant hangs");
        assertEquals(
            0, process.exitValue(), new String(process.getInputStream().readAllBytes(), UTF_8));
      }
    } finally {
      running.forEach(Process::destroyForcibly);
    }
    try (LeaseStore store = open()) {
      assertEquals(processes * each, store.list().stream().map(Lease::subnet).distinct().count());
      assertEquals(List.of(), store.problems());
      for (int i = 0; i < processes; i++) {
        String host = "host-" + i;
        assertEquals(each, store.list().stream().filter(l -> l.host().text().equals(host)).count());
      }
      assertFalse(files().stream().anyMatch(name -> name.startsWith(".tmp-")), files().toString());
    }
  }

  private Process claimant(String host, int subnets) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            Claimant.class.getName(),
            directory().toString(),
            host,
            Integer.toString(subnets))
        .redirectErrorStream(true)
        .start();
  }

  /** The other process: claims the lowest subnets that it can get. */
  static final class Claimant {
    private Claimant() {}

    public static void main(String[] args) {
      int wanted = Integer.parseInt(args[2]);
      try (LeaseStore store = new DirectoryLeaseStore(Path.of(args[0]))) {
        for (int i = 1; wanted > 0; i++) {
          Lease lease = lease("10.244." + i + ".0/24", 1, args[1]);
          if (store.acquire(lease) instanceof Result.Done) {
            wanted--;
          }
        }
      }
    }
  }

  /** Reading a pipe would wait for its writer, and /dev/zero never ends. */
  @Test
  void whatIsNoPlainFileIsNamedAndNotOpened() throws Exception {
    try (LeaseStore store = open()) {
      done(store.acquire(lease("10.244.1.0/24", 1, "host-01")));
      assertEquals(
          0,
          new ProcessBuilder("mkfifo", directory().resolve("pipe.lease").toString())
              .start()
              .waitFor());
      Files.createSymbolicLink(directory().resolve("zero.lease"), Path.of("/dev/zero"));
      Files.createDirectory(directory().resolve("folder.lease"));

      List<Lease> leases = assertTimeoutPreemptively(Duration.ofSeconds(10), store::list);

      assertEquals(1, leases.size());
      assertEquals(3, store.problems().size(), store.problems().toString());
      for (String problem : store.problems()) {
        assertTrue(problem.contains("it is no plain file, but a folder, a pipe"), problem);
      }
      done(store.acquire(lease("10.244.2.0/24", 1, "host-02")));
    }
  }

  @Test
  void aLinkToAPlainFileIsReadAsBefore() throws Exception {
    try (LeaseStore store = open()) {
      Path elsewhere = Files.writeString(temporary.resolve("by-hand"), BY_HAND);
      Files.createSymbolicLink(directory().resolve("cellar.lease"), elsewhere);
      assertEquals("host-02", store.list().getFirst().host().text());
    }
  }

  @Test
  void aLockThatIsAPipeIsRefused() throws Exception {
    Path folder = Files.createDirectory(temporary.resolve("piped"));
    assertEquals(
        0, new ProcessBuilder("mkfifo", folder.resolve(".lock").toString()).start().waitFor());
    var e =
        assertThrows(
            LeaseStoreException.class,
            () ->
                assertTimeoutPreemptively(
                    Duration.ofSeconds(10), () -> new DirectoryLeaseStore(folder).list()));
    assertTrue(e.getMessage().endsWith("/.lock is no plain file; remove it."), e.getMessage());
  }
}
