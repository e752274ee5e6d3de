// Makes MongoDB a replica set of one member, once. Its start-up probe runs it until MongoDB takes writes.
const address = "mongodb://127.0.0.1:27017/?directConnection=true";
const { MONGO_INITDB_ROOT_USERNAME: user, MONGO_INITDB_ROOT_PASSWORD: password } = process.env;
const admin = new Mongo(address).getDB("admin");
if (!admin.auth(user, password)) quit(1);
try {
  admin.runCommand({ replSetInitiate: { _id: "rookery", members: [{ _id: 0, host: "rookery-mongo:27017" }] } });
} catch (error) {
  if (error.codeName !== "AlreadyInitialized") throw error;
}
quit(admin.hello().isWritablePrimary ? 0 : 1);
