// SPDX-License-Identifier: Apache-2.0
/**
 * The prebuilt BPF programs, as one resource and nothing else: opened, so that the loader finds it
 * on the module path and in a linked image as it does on the class path.
 */
@SuppressWarnings("opens") // The package holds no class, only the object.
module dev.culvert.bpf {
  opens dev.culvert.bpf;
}
