# The first process of the virtual machine, run by busybox. Makes this machine's root file system the guest's, read
# only below a layer in memory; mounts the one writable directory; runs the command; powers off.
#
# The lines before this file set: ENGINE uml|qemu, B busybox, JOB the writable directory, MODULES the directory with the
# kernel's modules, LOAD the modules to load. The host's paths are the guest's.
PATH=/none # an applet for every command, until the root is there

give_up() { echo "vm-init: $*"; sync; poweroff -f; }

$B mount -t proc proc /proc
if [ $ENGINE = uml ]; then
    insmod "$MODULES/kernel/fs/overlayfs/overlay.ko" || give_up "no overlay module"
    memory=/mnt
    mount -t tmpfs -o size=90% none $memory && mkdir $memory/lower || give_up "no tmpfs"
    lower=$memory/lower
    mount -t hostfs -o ro none $lower || give_up "no hostfs"
else
    mount -t devtmpfs none /dev
    for module in /modules/*.ko; do insmod "$module" || echo "vm-init: $module does not load"; done
    memory=/memory lower=/lower
    mount -t tmpfs -o size=90% none $memory || give_up "no tmpfs"
    mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro root $lower || give_up "no 9p"
fi
root=$memory/root
mkdir $memory/upper $memory/work $root
mount -t overlay -o "lowerdir=$lower,upperdir=$memory/upper,workdir=$memory/work" none $root || give_up "no overlay"
mount -t proc none $root/proc
mount -t sysfs none $root/sys
mount -t devtmpfs none $root/dev
mkdir -p $root/dev/pts $root/dev/shm
mount -t devpts none $root/dev/pts
# /tmp stays as it is: the clone that is tested may be there.
for directory in dev/shm run; do mount -t tmpfs none $root/$directory; done
mkdir -p "$root$JOB" "$root/lib/modules/$(uname -r)"
if [ $ENGINE = uml ]; then
    mount -t hostfs -o "$JOB" none "$root$JOB" || give_up "no hostfs for $JOB"
    mount -t hostfs -o "ro,$MODULES" none "$root/lib/modules/$(uname -r)" || give_up "no modules"
else
    mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 job "$root$JOB" || give_up "no 9p for $JOB"
    mount --bind "$root$MODULES" "$root/lib/modules/$(uname -r)" || give_up "no modules"
fi
[ -e $root/usr/sbin/modprobe ] || [ -e $root/sbin/modprobe ] || ln -s "$B" $root/usr/sbin/modprobe
[ -e $root/dev/fd ] || ln -s /proc/self/fd $root/dev/fd
# Pivoting, not changing the root: a network namespace of its own mounts and unmounts below it.
cd $root && mount --move . / || give_up "the root does not move"
exec chroot . /bin/sh -c '
    export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    cd /
    for module in $1; do modprobe $module || echo "vm-init: $module does not load"; done
    ip link set lo up
    hostname vm 2>/dev/null || echo vm >/proc/sys/kernel/hostname
    /bin/sh "$2/command" >"$2/output" 2>&1 </dev/null
    echo $? >"$2/status.new"
    mv "$2/status.new" "$2/status"
    sync
    '"$B"' poweroff -f
    sleep 10
' init "$LOAD" "$JOB"
