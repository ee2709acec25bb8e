// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Says what runs here. */
@Command(name = "version", description = "Say which Culvert and which JDK this is.")
public final class VersionCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    String version = VersionCommand.class.getPackage().getImplementationVersion();
    spec.commandLine()
        .getOut()
        .println(
            "culvert %s, JDK %s, %s"
                .formatted(
                    version == null ? "(built from source, not packaged)" : version,
                    Runtime.version(),
                    System.getProperty("os.arch")));
  }
}
