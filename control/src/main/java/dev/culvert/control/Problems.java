// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import java.lang.System.Logger.Level;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What went wrong in the background and has not gone right since, by task. Each sentence is logged
 * once when it appears and once when it is gone. Used by the overlay's thread alone, but for {@link
 * #current}.
 */
final class Problems {
  /** The task that makes this host a tunnel end. */
  static final String START = "Starting the datapath";

  private static final System.Logger LOG = System.getLogger(Problems.class.getName());

  private final HostName host;
  private final Map<String, String> byTask = new TreeMap<>();
  private volatile String current = "";
  private Set<String> logged = new HashSet<>();

  Problems(HostName host) {
    this.host = host;
  }

  /** Runs a task; its failure, of whatever kind, becomes a problem, its success ends one. */
  void guard(String task, Runnable work) {
    String around = current;
    current = task;
    try {
      work.run();
      byTask.remove(task);
    } catch (Throwable e) { // a store's or datapath's Error must not end the overlay's thread
      byTask.put(task, task + " failed: " + text(e));
      Survivors.tell(e);
    } finally {
      current = around;
    }
  }

  /** The task under way, or nothing; any thread may ask. */
  String current() {
    return current;
  }

  boolean has(String task) {
    return byTask.containsKey(task);
  }

  List<String> list() {
    return List.copyOf(byTask.values());
  }

  void log(String sentence) {
    LOG.log(Level.WARNING, host + ": " + sentence);
  }

  void logNews(List<String> all) {
    Set<String> now = new HashSet<>(all);
    now.stream().filter(sentence -> !logged.contains(sentence)).forEach(this::log);
    logged.stream()
        .filter(sentence -> !now.contains(sentence))
        .forEach(sentence -> LOG.log(Level.INFO, host + ": no longer: " + sentence));
    logged = now;
  }

  private static String text(Throwable e) {
    return e instanceof RuntimeException && e.getMessage() != null ? e.getMessage() : e.toString();
  }
}
