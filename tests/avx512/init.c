// The first process of the emulated machine: runs the programs of /run.list and
// says what came of each. A line is the environment, the program and its
// arguments, separated by tabs. What they print goes to port 0xE9, which Bochs
// copies to its standard output: faster than the serial line, which is left to
// the kernel. At the end it writes the word at which Bochs quits.

#define _GNU_SOURCE  // pipe2

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kOutput = 0xE9, kPower = 0x8900, kMaxArguments = 64 };

static void Put(const char* text, size_t length) {
  for (size_t i = 0; i < length; ++i) outb(text[i], kOutput);
}

static void Say(const char* format, ...) {
  char text[4096];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  Put(text, strlen(text));
}

static void Start(char** argv, int output) {
  for (; *argv != NULL && **argv != '/'; ++argv) putenv(*argv);
  dup2(open("/dev/null", O_RDONLY), 0);
  dup2(output, 1);
  dup2(output, 2);
  execv(*argv, argv);
  perror(*argv);
  _exit(127);
}

static void Run(char* line) {
  char* argv[kMaxArguments + 1] = {0};
  const char* program = "";
  int argc = 0;
  for (char* word = strtok(line, "\t"); word != NULL && argc < kMaxArguments;
       word = strtok(NULL, "\t")) {
    if (*program == '\0' && *word == '/') program = word;
    argv[argc++] = word;
  }
  Say("\n@@@ RUN %s\n", program);

  int ends[2] = {-1, -1};
  const int made = pipe2(ends, O_CLOEXEC);
  const pid_t child = made == 0 ? fork() : -1;
  if (child == 0) Start(argv, ends[1]);
  close(ends[1]);
  char text[4096];
  ssize_t length;
  while ((length = read(ends[0], text, sizeof text)) > 0) Put(text, length);
  close(ends[0]);
  int status = 0;
  const int ended = child > 0 && waitpid(child, &status, 0) == child;
  Say("\n@@@ END %d %d\n", ended && WIFEXITED(status) ? WEXITSTATUS(status) : -1,
      ended && WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

int main(void) {
  if (ioperm(kOutput, 1, 1) != 0 || ioperm(kPower, 1, 1) != 0) return 1;
  mount("none", "/dev", "devtmpfs", 0, "");
  mount("none", "/proc", "proc", 0, "");
  mount("none", "/sys", "sysfs", 0, "");
  mkdir("/dev/shm", 0777);
  mount("none", "/dev/shm", "tmpfs", 0, "");
  setenv("PATH", "/bin", 1);
  setenv("HOME", "/tmp", 1);

  FILE* list = fopen("/run.list", "re");
  char line[65536];
  if (list == NULL || chdir("/tmp") != 0) return 1;
  while (fgets(line, sizeof line, list) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    Run(line);
  }
  Say("\n@@@ DONE\n");
  for (const char* letter = "Shutdown"; *letter != '\0'; ++letter) {
    outb(*letter, kPower);
  }
  return 0;
}
