// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * A real etcd of one member, in the store's namespace: where a lab's agents lease their subnets.
 */
public final class EtcdServer implements AutoCloseable {
  /** Where the lab's hosts reach it. */
  public static final String ENDPOINT = "http://" + LabPlan.storeAddress() + ":2379";

  private static final String PROGRAM = "etcd";
  private static final String PEER = "http://127.0.0.1:2380";
  private static final Duration START = Duration.ofSeconds(30);

  private final Running process;
  private final Path data;

  private EtcdServer(Running process, Path data) {
    this.process = process;
    this.data = data;
  }

  /**
   * Refuses to go on without the program.
   *
   * @throws LabException naming the package that brings it
   */
  public static void require() {
    if (!LabTools.isThere(PROGRAM)) {
      throw new LabException(
          "A lab with --store etcd needs the Debian package etcd-server. Try: apt-get install"
              + " etcd-server");
    }
  }

  /**
   * Starts one with nothing in it, and waits until it serves.
   *
   * @throws LabException with its own words when it does not
   */
  public static EtcdServer start(Lab lab, String namespace) {
    require();
    Path data = lab.file(namespace + ".etcd");
    Folders.delete(data);
    // A session of its own: Ctrl-C is for the lab, whose agents leave before their store goes.
    Command command =
        Command.of(
                List.of(
                    "setsid",
                    PROGRAM,
                    "--name=lab",
                    "--data-dir=" + data,
                    "--listen-client-urls=" + ENDPOINT,
                    "--advertise-client-urls=" + ENDPOINT,
                    "--listen-peer-urls=" + PEER,
                    "--initial-advertise-peer-urls=" + PEER,
                    "--initial-cluster=lab=" + PEER))
            .in(namespace);
    Running process = lab.shell().start(command, lab.file(namespace + ".log"));
    EtcdServer server = new EtcdServer(process, data);
    try {
      process.awaitOutput("ready to serve", START);
    } catch (LabException e) {
      server.close();
      throw e;
    }
    return server;
  }

  /** Lets it live on when the lab's process ends. */
  public void detach() {
    process.detach();
  }

  @Override
  public void close() {
    process.close();
    Folders.delete(data);
  }
}
