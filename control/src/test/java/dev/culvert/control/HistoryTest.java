// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.culvert.control.store.DirectoryLeaseStore;
import dev.culvert.control.store.MemoryLeaseStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Histories of faults: no moment with two holders that both forward, every table equal to the store
 * in the end, nothing acknowledged lost.
 *
 * <p>{@code -Dhistory.seed=N} begins with another than the usual one, {@code -Dhistory.rounds=N}
 * runs so many in place of a few.
 */
final class HistoryTest {
  private static final int ROUNDS = Integer.getInteger("history.rounds", 3);
  private static final long FIRST_SEED = Long.getLong("history.seed", 16248333319L);

  private static final History.Size MEMORY =
      new History.Size(24, "10.244.0.0/20", Duration.ofMinutes(4));
  private static final History.Size DIRECTORY =
      new History.Size(12, "10.244.0.0/21", Duration.ofMinutes(2));

  @TempDir Path temporary;

  /** Held on to: loggers that nobody holds forget their level. */
  private static Object logger;

  /** Thousands of sentences, about what a history is made of. */
  @BeforeAll
  static void beQuiet() throws ReflectiveOperationException {
    logger =
        Class.forName("java.util.logging.Logger")
            .getMethod("getLogger", String.class)
            .invoke(null, "dev.culvert.control");
    setLevel(Class.forName("java.util.logging.Level").getField("OFF").get(null));
  }

  @AfterAll
  static void speakAgain() throws ReflectiveOperationException {
    setLevel(null);
  }

  /** By name: tests are compiled as part of a module that does not read java.logging. */
  private static void setLevel(Object level) throws ReflectiveOperationException {
    logger
        .getClass()
        .getMethod("setLevel", Class.forName("java.util.logging.Level"))
        .invoke(logger, level);
  }

  /** Kept in this process. */
  private static final class InMemory implements HistoryStore.Backend {
    private final Supplier<LeaseStore> make;
    private LeaseStore store;
    private boolean there = true;

    InMemory(Supplier<LeaseStore> make) {
      this.make = make;
      this.store = make.get();
    }

    @Override
    public LeaseStore store() {
      if (!there) {
        throw new LeaseStoreException("The store is away.");
      }
      return store;
    }

    @Override
    public void wipe() {
      store.close();
      store = make.get();
    }

    @Override
    public void mount(boolean is) {
      there = is;
    }
  }

  /** Files, which are moved elsewhere while the directory is not mounted. */
  private static final class InDirectory implements HistoryStore.Backend {
    private final Path directory;
    private final Path elsewhere;
    private LeaseStore store;

    InDirectory(Path folder) {
      this.directory = folder.resolve("leases");
      this.elsewhere = folder.resolve("elsewhere");
      this.store = new DirectoryLeaseStore(directory);
    }

    @Override
    public LeaseStore store() {
      return store;
    }

    @Override
    public void wipe() {
      store.close();
      try (var files = Files.list(directory)) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
        Files.delete(directory);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      store = new DirectoryLeaseStore(directory);
    }

    @Override
    public void mount(boolean there) {
      try {
        Files.move(there ? elsewhere : directory, there ? directory : elsewhere);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private static void run(History.Size size, int rounds, Function<Long, HistoryStore.Backend> of) {
    for (long seed = FIRST_SEED; seed < FIRST_SEED + rounds; seed++) {
      new History(seed, size, of.apply(seed)).run();
    }
  }

  @Test
  void onAMemoryStore() {
    System.out.println("histories from -Dhistory.seed=" + FIRST_SEED);
    run(MEMORY, ROUNDS, _ -> new InMemory(MemoryLeaseStore::new));
  }

  /**
   * A host that was dead past the end of its lease, and whose subnet another got meanwhile, starts
   * while the store is away: each of these had two holders before its kernel kept how long it is
   * sure of it.
   */
  @ParameterizedTest
  @ValueSource(longs = {2046, 2047, 2137, 2177, 2288})
  void whoDiedPastItsLeaseDoesNotGoOnWithoutTheStore(long seed) {
    new History(seed, MEMORY, new InMemory(MemoryLeaseStore::new)).run();
  }

  /**
   * A machine whose clock is days ahead, which starts where the network is full, took the place of
   * a host that had died some seconds ago, for its lease looked long over; the store went away, and
   * the dead one started within its lease: two holders, until newcomers asked the store's clock.
   */
  @Test
  void whoseClockIsDaysAheadTakesNothingFromTheDead() {
    new History(1015, MEMORY, new InMemory(MemoryLeaseStore::new)).run();
  }

  @Test
  void onADirectoryStore() {
    run(
        DIRECTORY,
        Math.max(1, ROUNDS / 3),
        seed -> new InDirectory(temporary.resolve(String.valueOf(seed))));
  }

  /** A test that could not find it would prove nothing. */
  @Test
  void renewalsThatCompareGenerationsAloneAreFound() {
    for (long seed = 1; seed <= 100; seed++) {
      try {
        new History(seed, MEMORY, new InMemory(GenerationOnlyStore::new)).run();
      } catch (AssertionError e) {
        assertTrue(e.getMessage().contains(" is forwarded by both "), e.getMessage());
        return;
      }
    }
    fail("a hundred histories, and no subnet with two holders");
  }

  /** The same seed is the same history, or printing it would help nobody. */
  @Test
  void aSeedIsAHistory() {
    List<String> once = events(7);
    assertTrue(once.size() > 20, once.toString());
    assertEquals(once, events(7));
  }

  private static List<String> events(long seed) {
    History history = new History(seed, MEMORY, new InMemory(MemoryLeaseStore::new));
    history.run();
    return history.log();
  }
}
