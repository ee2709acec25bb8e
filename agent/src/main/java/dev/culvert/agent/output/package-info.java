// SPDX-License-Identifier: Apache-2.0
/** How commands answer: aligned tables for people, JSON for programs. */
package dev.culvert.agent.output;
