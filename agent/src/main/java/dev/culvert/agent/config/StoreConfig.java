// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.config;

import dev.culvert.agent.UserException;
import dev.culvert.control.LeaseStore;
import dev.culvert.control.store.DirectoryLeaseStore;
import dev.culvert.kernel.RefusedException;
import dev.culvert.store.etcd.EtcdConfig;
import dev.culvert.store.etcd.EtcdConfig.Login;
import dev.culvert.store.etcd.EtcdConfig.Tls;
import dev.culvert.store.etcd.EtcdLeaseStore;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Where leases are kept: the only place of the agent that knows the kinds of store. */
public sealed interface StoreConfig {
  /** Opens it; what cannot be reached is told by the calls that follow. */
  LeaseStore open();

  /**
   * For who only looks: opening makes nothing then.
   *
   * @throws UserException when opening would make a store where none is
   */
  default void requireExisting() {}

  /** Why nothing can be written there, where that can be told without writing. */
  default Optional<String> unwritable() {
    return Optional.empty();
  }

  /**
   * Files in a directory that all hosts share.
   *
   * @param port of tunnel ends that a file does not name
   */
  record Directory(Path directory, int port) implements StoreConfig {
    @Override
    public LeaseStore open() {
      return new DirectoryLeaseStore(directory, port);
    }

    /** An empty mount point would get the mark of a lease directory. */
    @Override
    public void requireExisting() {
      if (!DirectoryLeaseStore.isAt(directory)) {
        throw new UserException(
            "There is no lease directory at "
                + directory
                + ": it is not mounted, or no agent has used it yet.");
      }
    }

    @Override
    public Optional<String> unwritable() {
      try {
        return Files.getFileStore(directory).isReadOnly()
            ? Optional.of(
                directory + " lies on a file system that is read-only: mount it for writing.")
            : Optional.empty();
      } catch (IOException e) {
        return Optional.of("The file system of " + directory + " cannot be asked: " + e + ".");
      }
    }
  }

  /** Keys in etcd. */
  record Etcd(EtcdConfig etcd) implements StoreConfig {
    @Override
    public LeaseStore open() {
      return new EtcdLeaseStore(etcd);
    }
  }

  /**
   * Reads the section "store".
   *
   * @param port of tunnel ends that an entry does not name
   */
  static StoreConfig read(Section root, int port) {
    String example = "directory: /var/lib/culvert/leases";
    Section store =
        root.section("store", Set.of("directory", "etcd"), example)
            .orElseThrow(() -> root.missing("store", "store: {" + example + "}"));
    Optional<Path> directory = store.value("directory", Values::absolutePath);
    Optional<Section> etcd =
        store.section(
            "etcd",
            Set.of(
                "endpoints",
                "prefix",
                "caFile",
                "certFile",
                "keyFile",
                "user",
                "passwordFile",
                "timeout"),
            "endpoints: [http://10.0.0.5:2379]");
    if (directory.isPresent() && etcd.isPresent()) {
      throw root.problem("store", "has both directory and etcd; keep one of the two.");
    }
    if (etcd.isPresent()) {
      return new Etcd(etcd(store, etcd.get(), port));
    }
    return new Directory(directory.orElseThrow(() -> store.missing("directory", example)), port);
  }

  private static EtcdConfig etcd(Section store, Section etcd, int port) {
    List<URI> endpoints = etcd.list("endpoints", EtcdConfig::endpoint);
    if (endpoints.isEmpty()) {
      throw etcd.missing("endpoints", "endpoints: [http://10.0.0.5:2379]");
    }
    Optional<String> user = etcd.value("user", text -> text);
    Optional<Path> password = etcd.value("passwordFile", Values::absolutePath);
    if (user.isPresent() != password.isPresent()) {
      throw store.problem("etcd", "user and passwordFile come together; add the other one.");
    }
    try {
      return new EtcdConfig(
          endpoints,
          etcd.value("prefix", text -> text).orElse(EtcdConfig.PREFIX),
          new Tls(
              etcd.value("caFile", Values::absolutePath),
              etcd.value("certFile", Values::absolutePath),
              etcd.value("keyFile", Values::absolutePath)),
          user.map(name -> new Login(name, password.orElseThrow())),
          port,
          etcd.value("timeout", Values::etcdTimeout).orElse(EtcdConfig.TIMEOUT));
    } catch (RefusedException e) {
      ConfigException problem = store.problem("etcd", e.getMessage());
      problem.initCause(e);
      throw problem;
    }
  }
}
