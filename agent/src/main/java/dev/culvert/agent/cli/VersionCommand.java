// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Says what runs here; {@code culvert --version} does too. */
@Command(name = "version", description = "Say which Culvert and which JDK this is.")
public final class VersionCommand implements Runnable, IVersionProvider {
  @Spec private CommandSpec spec;

  /** picocli makes one for the command, and one to ask for the version. */
  public VersionCommand() {}

  @Override
  public String[] getVersion() {
    String version = VersionCommand.class.getPackage().getImplementationVersion();
    return new String[] {
      "culvert %s, JDK %s, %s"
          .formatted(
              version == null ? "(built from source, not packaged)" : version,
              Runtime.version(),
              System.getProperty("os.arch"))
    };
  }

  @Override
  public void run() {
    spec.commandLine().getOut().println(getVersion()[0]);
  }
}
